//! What is attached, with no HTTP: how it is received, whose it is, and what becomes of it when its owner leaves.

use std::path::PathBuf;
use std::sync::Arc;

use files::{Delivery, FileName, FilesCommands, FilesQueries, FilesService, Storage};
use identity::PersonalData;
use kernel::{Actor, Limit};
use marketplace::{
    Attachment, AttachmentCommands, AttachmentPlan, AttachmentQueries, BidId, Error, JobId, PageRequest,
    PhotoSize,
};
use outbox::Registry;
use tempfile::TempDir;
use testing::pictures::{jpeg, photograph};

use crate::world::World;

/// Files in a folder, beside the marketplace.
struct Files {
    folder: TempDir,
    service: FilesService,
}

impl Files {
    fn beside(world: &World) -> Self {
        let folder = TempDir::new().unwrap();
        let storage = Storage::folder(folder.path()).unwrap();
        let service = FilesService::new(world.database.db.clone(), storage, files::Settings::default());
        Self { folder, service }
    }

    fn receive(&self, plan: &AttachmentPlan, bytes: &[u8]) -> Delivery {
        let mut upload = self.service.begin(plan.file.clone()).unwrap();
        upload.write(bytes).unwrap();
        let received = upload.finish().unwrap();
        let is_picture = received.content_type.is_picture();
        let drawn =
            if is_picture { self.service.draw(&received, &plan.drawing).unwrap() } else { Vec::new() };
        Delivery { received, drawn }
    }

    fn attach_to_job(&self, world: &World, owner: &Actor, job: JobId, bytes: &[u8]) -> Attachment {
        let owner = || owner.homeowner().unwrap();
        let plan = world.market.plan_job_attachment(owner(), job, FileName::default()).unwrap();
        world.market.attach_to_job(owner(), job, &self.receive(&plan, bytes)).unwrap()
    }

    fn attach_to_bid(&self, world: &World, bidder: &Actor, bid: BidId, bytes: &[u8]) -> Attachment {
        let bidder = || bidder.contractor().unwrap();
        let plan = world.market.plan_bid_attachment(bidder(), bid, FileName::default()).unwrap();
        world.market.attach_to_bid(bidder(), bid, &self.receive(&plan, bytes)).unwrap()
    }

    /// Lets go of what was received and removed, and counts what is left on the disk.
    fn left(&self, world: &World) -> usize {
        let mut registry = Registry::new();
        files::register(&mut registry, Arc::new(self.service.clone()));
        world.advance_days(2);
        let sweep = |tx: &mut database::Tx<'_>| {
            outbox::enqueue(tx, &files::Sweep {});
            Ok::<_, database::Error>(())
        };
        world.database.db.transaction(sweep).unwrap();
        outbox::run_due(&world.database.db, &registry).unwrap();
        let mut open: Vec<PathBuf> = vec![self.folder.path().to_owned()];
        let mut found = 0;
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { open.push(path) } else { found += 1 }
            }
        }
        found
    }
}

fn erase(world: &World, actor: &Actor) {
    let erased = world.database.db.transaction(|tx| world.market.erase(tx, actor.person.unwrap()));
    erased.unwrap();
}

#[test]
fn a_picture_is_kept_as_it_was_drawn_and_a_document_as_it_came() {
    let world = World::new();
    let files = Files::beside(&world);
    let ada = world.homeowner("Ada Ashby");
    let job = world.open_job(&ada);
    let taken = photograph(600, 400);
    let photo = files.attach_to_job(&world, &ada, job, &taken);
    assert_eq!(photo.pixels, Some((400, 600)));
    let document = files.attach_to_job(&world, &ada, job, b"%PDF-1.7 and so on");
    let given = |id, size| world.market.job_attachment(Some(&ada), job, id, size).unwrap().file;
    // No preview was drawn of what is smaller than one: the next larger is given.
    let sizes =
        [PhotoSize::Thumbnail, PhotoSize::Preview, PhotoSize::Full].map(|size| given(photo.id, size).id);
    assert!(sizes[0] != sizes[1] && sizes[1] == sizes[2] && sizes[2] == photo.file.id);
    let bytes: Result<Vec<_>, _> =
        files.service.open(&given(document.id, PhotoSize::Thumbnail)).unwrap().collect();
    assert_eq!(bytes.unwrap().concat(), b"%PDF-1.7 and so on");
    // The photograph as it came is kept by nobody.
    assert_eq!(files.left(&world), 3);
}

#[test]
fn a_picture_of_which_nothing_was_drawn_is_not_attached() {
    let world = World::new();
    let files = Files::beside(&world);
    let ada = world.homeowner("Ada Ashby");
    let job = world.open_job(&ada);
    let plan = world.market.plan_job_attachment(ada.homeowner().unwrap(), job, FileName::default()).unwrap();
    let delivery = Delivery { drawn: Vec::new(), ..files.receive(&plan, &jpeg(40, 20)) };
    let refused = world.market.attach_to_job(ada.homeowner().unwrap(), job, &delivery);
    assert!(matches!(refused, Err(Error::File(_))), "{refused:?}");
    assert_eq!((files.left(&world), world.count("marketplace.attachments")), (0, 0));
}

#[test]
fn whoever_leaves_is_told_of_their_files_and_takes_them_along() {
    let world = World::new();
    let files = Files::beside(&world);
    let (ada, bob) = (world.homeowner("Ada Ashby"), world.contractor("Bob Builder"));
    let (job, draft) = (world.open_job(&ada), world.open_job(&ada));
    let bid = world.bid(&bob, job, 90_000).id;
    let photo = files.attach_to_job(&world, &ada, job, &photograph(60, 40));
    files.attach_to_job(&world, &ada, draft, b"%PDF-1.7 plan");
    let offer = files.attach_to_bid(&world, &bob, bid, b"%PDF-1.7 offer");
    let held = |actor: &Actor| {
        let person = actor.person.unwrap();
        world.database.db.read(|conn| world.market.held_about(conn, person)).unwrap()
    };
    let (of_ada, of_bob) = (held(&ada), held(&bob));
    assert_eq!(of_ada.files.len(), 2);
    assert_eq!(of_ada.data["attachments"][0]["fileId"], photo.file.id.to_string());
    assert_eq!(of_bob.files, [offer.file]);
    assert_eq!(of_bob.data["attachments"][0]["bidId"], bid.to_string());
    // Whoever lets the owner leave does not let the bidder's file go.
    erase(&world, &ada);
    assert_eq!((files.left(&world), world.count("marketplace.attachments")), (1, 1));
    let page = PageRequest { after: None, limit: Limit::default() };
    assert_eq!(world.market.list_bid_attachments(&bob, bid, page).unwrap().items.len(), 1);
    erase(&world, &bob);
    assert_eq!((files.left(&world), world.count("marketplace.attachments")), (0, 0));
}
