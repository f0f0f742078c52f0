//! The crate against a Postgres and a folder of its own.
#![expect(clippy::unwrap_used, reason = "a test's helpers panic as the test itself does")]

#[cfg(feature = "s3")]
mod bucket;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use database::Db;
use files::{
    ContentType, Drawing, Error, File, FileName, FilesCommands, FilesQueries, FilesService, Limits, NewFile,
    Received, Settings, Storage,
};
use kernel::PartyId;
use outbox::Registry;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use testing::TestDatabase;
use testing::pictures::{bomb, is_blue, is_red, look, photograph};

struct World {
    database: TestDatabase,
    folder: TempDir,
    service: FilesService,
    registry: Registry,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let storage = Storage::folder(&folder.path().join("files")).unwrap();
        Self::over(storage, folder)
    }

    fn over(storage: Storage, folder: TempDir) -> Self {
        let database = TestDatabase::new();
        let service = FilesService::new(database.db.clone(), storage, Settings::default());
        let mut registry = Registry::new();
        files::register(&mut registry, Arc::new(service.clone()));
        // From its first run on, work that comes back waits for its time.
        outbox::run_due(&database.db, &registry).unwrap();
        Self { database, folder, service, registry }
    }

    fn db(&self) -> &Db {
        &self.database.db
    }

    /// Sends these bytes in small pieces.
    fn receive(&self, bytes: &[u8]) -> Result<Received, Error> {
        self.receive_as(bytes, new_file(1).limits.types)
    }

    /// The same where these types are taken.
    fn receive_as(&self, bytes: &[u8], types: &'static [ContentType]) -> Result<Received, Error> {
        let limits = Limits { bytes_max: 1_000_000, types };
        let mut upload = self.service.begin(NewFile { limits, ..new_file(1) })?;
        for piece in bytes.chunks(700) {
            upload.write(piece)?;
        }
        upload.finish()
    }

    fn keep(&self, received: &Received) -> Result<File, Error> {
        self.db().transaction(|tx| files::keep(tx, received))
    }

    fn read(&self, file: &File) -> Vec<u8> {
        let pieces: Result<Vec<_>, _> = self.service.open(file).unwrap().collect();
        pieces.unwrap().concat()
    }

    /// Every file in the folder, those on their way too.
    fn on_disk(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { open.push(path) } else { found.push(path) }
            }
        }
        found
    }

    fn pass(&self, hours: u64) {
        self.database.clock.advance(Duration::from_secs(hours * 3_600));
        let sweep = |tx: &mut database::Tx<'_>| {
            outbox::enqueue(tx, &files::Sweep {});
            Ok::<_, database::Error>(())
        };
        self.db().transaction(sweep).unwrap();
        outbox::run_due(self.db(), &self.registry).unwrap();
    }
}

fn new_file(bytes_max: u64) -> NewFile {
    NewFile {
        owner: PartyId::new(),
        purpose: "test",
        name: FileName::new("licence.pdf").unwrap(),
        limits: Limits { bytes_max, types: &[ContentType::Pdf, ContentType::Png] },
    }
}

/// A PDF of so many bytes, as far as its first ones tell.
fn pdf(bytes: usize) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.extend((pdf.len()..bytes).map(|at| u8::try_from(at % 251).unwrap()));
    pdf
}

#[test]
fn a_file_comes_back_as_it_came_however_long_it_is() {
    let world = World::new();
    for length in [9, 512, 262_144, 262_145, 700_000] {
        let bytes = pdf(length);
        let received = world.receive(&bytes).unwrap();
        let file = world.keep(&received).unwrap();
        assert_eq!((file.size, file.content_type), (u64::try_from(length).unwrap(), ContentType::Pdf));
        assert_eq!(file.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
        assert_eq!(file.name, "licence.pdf");
        assert!(world.read(&file) == bytes, "{length}");
        let found = world.db().read(|conn| files::find_all(conn, &[file.id, files::FileId::new()])).unwrap();
        assert_eq!(found.values().collect::<Vec<_>>(), [&file]);
    }
    assert_eq!(world.on_disk().len(), 5);
    assert_eq!(world.database.count("files.files WHERE state = 'STORED'"), 5);
}

#[test]
fn what_is_too_large_empty_or_of_another_type_is_refused() {
    let world = World::new();
    assert!(matches!(world.receive(b""), Err(Error::Empty)));
    assert!(matches!(world.receive(b"<html>"), Err(Error::Unsupported { .. })));
    // A JPEG can be told, and is not taken here.
    assert!(matches!(world.receive(&[0xff, 0xd8, 0xff, 0xe0]), Err(Error::Unsupported { .. })));
    // It is noticed with the first bytes, not after the last.
    let mut upload = world.service.begin(new_file(1_000_000)).unwrap();
    assert!(matches!(upload.write(&[b'x'; 600]), Err(Error::Unsupported { .. })));
    upload.abandon();
    let mut upload = world.service.begin(new_file(600_000)).unwrap();
    upload.write(&pdf(600_000)).unwrap();
    assert!(matches!(upload.write(b"."), Err(Error::TooLarge { most: 600_000 })));
    upload.abandon();
    assert!(world.on_disk().is_empty(), "{:?}", world.on_disk());
    world.pass(26);
    assert_eq!(world.database.count("files.files"), 0);
}

#[test]
fn a_file_is_kept_once_by_its_owner_with_the_transaction_of_its_purpose() {
    let world = World::new();
    let received = world.receive(&pdf(100)).unwrap();
    let other = Received { owner: PartyId::new(), ..received };
    assert!(matches!(world.keep(&other), Err(Error::Gone)));
    let undone: Result<(), Error> = world.db().transaction(|tx| {
        files::keep(tx, &received)?;
        Err(Error::Empty)
    });
    assert!(undone.is_err());
    assert_eq!(world.database.count("files.files WHERE state = 'RECEIVING'"), 1);
    world.keep(&received).unwrap();
    assert!(matches!(world.keep(&received), Err(Error::Gone)));
}

#[test]
fn what_nobody_keeps_is_swept_up_with_its_row() {
    let world = World::new();
    let kept = world.keep(&world.receive(&pdf(300_000)).unwrap()).unwrap();
    // Received and never kept; begun and died in the middle, with and without bytes on the disk.
    world.receive(&pdf(100)).unwrap();
    let mut died = world.service.begin(new_file(1_000_000)).unwrap();
    died.write(&pdf(400_000)).unwrap();
    std::mem::forget(died);
    drop(world.service.begin(new_file(1)).unwrap());
    assert_eq!(world.on_disk().len(), 3);
    world.pass(23);
    assert_eq!((world.on_disk().len(), world.database.count("files.files")), (3, 4));
    world.pass(2);
    assert_eq!((world.on_disk().len(), world.database.count("files.files")), (1, 1));
    assert_eq!(world.read(&kept), pdf(300_000));
}

#[test]
fn what_is_not_wanted_goes_at_once_and_what_is_kept_stays() {
    let world = World::new();
    let received = world.receive(&pdf(100)).unwrap();
    world.service.discard(received.id).unwrap();
    assert_eq!((world.on_disk().len(), world.database.count("files.files")), (0, 0));
    assert!(matches!(world.keep(&received), Err(Error::Gone)));
    let kept = world.keep(&world.receive(&pdf(100)).unwrap()).unwrap();
    world.service.discard(kept.id).unwrap();
    assert_eq!(world.read(&kept), pdf(100));
}

#[test]
fn a_removed_file_is_not_found_any_more_and_its_bytes_go() {
    let world = World::new();
    let kept = world.keep(&world.receive(&pdf(100)).unwrap()).unwrap();
    world.db().transaction(|tx| files::remove(tx, kept.id)).unwrap();
    let found = world.db().read(|conn| files::find_all(conn, &[kept.id])).unwrap();
    assert!(found.is_empty());
    world.pass(0);
    assert_eq!((world.on_disk().len(), world.database.count("files.files")), (0, 0));
}

fn drawing(sides: &[u32]) -> Drawing {
    Drawing {
        purpose: "test",
        name: FileName::new("sink.png").unwrap(),
        pixels_max: 1_000_000,
        sides: sides.to_vec(),
    }
}

#[test]
fn a_picture_is_drawn_anew_in_every_size_and_what_came_in_is_kept_by_nobody() {
    let world = World::new();
    let received = world.receive_as(&photograph(600, 400), &[ContentType::Jpeg]).unwrap();
    let drawn = world.service.draw(&received, &drawing(&[500, 200, 100])).unwrap();
    let sizes: Vec<_> = drawn.iter().map(|one| (one.side, one.width, one.height)).collect();
    assert_eq!(sizes, [(500, 333, 500), (200, 133, 200), (100, 67, 100)]);
    for one in &drawn {
        let file = world.keep(&one.file).unwrap();
        assert_eq!((file.content_type, file.owner), (ContentType::Jpeg, received.owner));
        assert_eq!((file.name.as_str(), file.download_name().as_str()), ("sink.png", "sink.jpg"));
        let (upper, lower, size) = look(&world.read(&file));
        assert!(is_red(upper) && is_blue(lower) && size == (one.width, one.height));
    }
    world.service.discard(received.id).unwrap();
    assert_eq!((world.on_disk().len(), world.database.count("files.files WHERE state = 'STORED'")), (3, 3));
    // What is small already is drawn once.
    let small = world.receive_as(&photograph(60, 40), &[ContentType::Jpeg]).unwrap();
    let drawn = world.service.draw(&small, &drawing(&[500, 200, 30])).unwrap();
    let sizes: Vec<_> = drawn.iter().map(|one| (one.side, one.width, one.height)).collect();
    assert_eq!(sizes, [(500, 40, 60), (30, 20, 30)]);
}

#[test]
fn what_cannot_be_drawn_leaves_nothing_to_keep() {
    let world = World::new();
    let bomb = world.receive(&bomb(30_000, 30_000)).unwrap();
    let refused = world.service.draw(&bomb, &drawing(&[500, 200]));
    assert!(matches!(refused, Err(Error::TooManyPixels { pixels_max: 1_000_000 })));
    let broken = world.receive(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and no more").unwrap();
    assert!(matches!(world.service.draw(&broken, &drawing(&[500])), Err(Error::BrokenPicture)));
    assert_eq!(world.on_disk().len(), 2);
    // Swept up meanwhile.
    world.service.discard(broken.id).unwrap();
    assert!(matches!(world.service.draw(&broken, &drawing(&[500])), Err(Error::Gone)));
    world.pass(26);
    assert_eq!((world.on_disk().len(), world.database.count("files.files")), (0, 0));
}

#[test]
fn a_part_of_a_file_is_read_by_itself() {
    let world = World::new();
    let bytes = pdf(700_000);
    let file = world.keep(&world.receive(&bytes).unwrap()).unwrap();
    for part in [0..1, 0..700_000, 5..262_200, 699_999..700_000] {
        let pieces: Result<Vec<_>, _> = world.service.open_part(&file, part.clone()).unwrap().collect();
        let whole = usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap();
        assert!(pieces.unwrap().concat() == bytes[whole], "{part:?}");
    }
}

#[test]
fn what_is_refused_is_told_what_it_is() {
    let world = World::new();
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1";
    let refused = world.receive(heic).unwrap_err().to_string();
    assert_eq!(refused, "the file is image/heif, and none of application/pdf, image/png");
    let refused = world.receive(b"???").unwrap_err().to_string();
    assert_eq!(refused, "the file is none of application/pdf, image/png");
}

#[test]
fn the_folder_is_its_owners_alone_and_names_nothing_that_people_wrote() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.keep(&world.receive(&pdf(100)).unwrap()).unwrap();
    let root = world.folder.path().join("files");
    assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
    let paths = world.on_disk();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    assert!(paths.iter().all(|path| !name(path).contains("licence")), "{paths:?}");
}

#[test]
fn a_folder_proves_itself_and_nothing_is_left_of_that() {
    let world = World::new();
    Storage::folder(&world.folder.path().join("files")).unwrap().prove().unwrap();
    assert!(world.on_disk().is_empty());
}

#[test]
fn schema_rs_is_what_the_catalogue_says() {
    testing::check_schema("files", include_str!("../../src/schema.rs"));
}
