//! The same in a bucket of something that speaks like Amazon S3.

use std::time::{Duration, Instant};

use files::{Error, FilesCommands, FilesQueries, S3Keys, S3Settings, Storage};
use tempfile::TempDir;
use testing::S3Server;

use crate::{World, new_file, pdf};

fn settings(server: &S3Server, bucket: &str, access_key_id: &str) -> S3Settings {
    S3Settings {
        bucket: bucket.to_owned(),
        region: None,
        endpoint: Some(server.endpoint().to_owned()),
        keys: Some(S3Keys {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: S3Server::SECRET_ACCESS_KEY.to_owned().into(),
        }),
    }
}

fn storage(server: &S3Server) -> Storage {
    Storage::s3(&settings(server, S3Server::BUCKET, S3Server::ACCESS_KEY_ID)).unwrap()
}

fn world(server: &S3Server) -> World {
    World::over(storage(server), TempDir::new().unwrap())
}

#[test]
fn a_file_comes_back_from_a_bucket_as_it_came_however_many_parts_it_took() {
    let server = S3Server::start();
    let world = world(&server);
    const PART: usize = 5 * 1024 * 1024;
    for length in [9, 512, PART, PART + 1, 2 * PART, 12_000_000] {
        let bytes = pdf(length);
        let mut upload = world.service.begin(new_file(20_000_000)).unwrap();
        for piece in bytes.chunks(100_000) {
            upload.write(piece).unwrap();
        }
        let file = world.keep(&upload.finish().unwrap()).unwrap();
        assert!(world.read(&file) == bytes, "{length}");
    }
    let keys = server.keys();
    assert_eq!(keys.len(), 6);
    assert!(keys.iter().all(|key| key.starts_with("test/") && !key.contains("licence")), "{keys:?}");
}

#[test]
fn what_is_not_wanted_or_kept_or_is_removed_leaves_the_bucket() {
    let server = S3Server::start();
    let world = world(&server);
    let kept = world.keep(&world.receive(&pdf(100)).unwrap()).unwrap();
    let removed = world.keep(&world.receive(&pdf(100)).unwrap()).unwrap();
    let unwanted = world.receive(&pdf(100)).unwrap();
    world.receive(&pdf(100)).unwrap();
    // Refused after its first parts were stored.
    let mut refused = world.service.begin(new_file(6_000_000)).unwrap();
    refused.write(&pdf(6_000_000)).unwrap();
    assert!(matches!(refused.write(b"."), Err(Error::TooLarge { .. })));
    refused.abandon();
    // Died in the middle.
    let mut died = world.service.begin(new_file(20_000_000)).unwrap();
    died.write(&pdf(6_000_000)).unwrap();
    std::mem::forget(died);
    assert_eq!(server.keys().len(), 4);
    world.service.discard(unwanted.id).unwrap();
    assert_eq!(server.keys().len(), 3);
    world.db().transaction(|tx| files::remove(tx, removed.id)).unwrap();
    world.pass(26);
    assert_eq!((server.keys().len(), world.database.count("files.files")), (1, 1));
    assert_eq!(world.read(&kept), pdf(100));
}

#[test]
fn a_bucket_that_refuses_or_is_not_there_is_told_before_it_is_needed() {
    let server = S3Server::start();
    storage(&server).prove().unwrap();
    assert_eq!(server.keys(), Vec::<String>::new());
    let wrong_key = settings(&server, S3Server::BUCKET, "SOMEBODY");
    let wrong_bucket = settings(&server, "nowhere", S3Server::ACCESS_KEY_ID);
    for (wrong, why) in [(wrong_key, "InvalidAccessKeyId"), (wrong_bucket, "NoSuchBucket")] {
        let error = Storage::s3(&wrong).unwrap().prove().unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[test]
fn a_bucket_that_is_away_is_told_and_what_was_kept_is_there_afterwards() {
    let mut server = S3Server::start();
    let world = world(&server);
    let kept = world.keep(&world.receive(&pdf(100)).unwrap()).unwrap();
    server.stop();
    let begun = Instant::now();
    assert!(matches!(world.receive(&pdf(100)), Err(Error::Storage(_))));
    assert!(matches!(world.service.open(&kept), Err(Error::Storage(_))));
    assert!(begun.elapsed() < Duration::from_secs(90), "it is given up after a while");
    assert_eq!(world.database.count("files.files WHERE state = 'STORED'"), 1);
}
