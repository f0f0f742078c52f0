//! Quotas that several processes share.

use std::time::Duration;

use database::{Draw, Drawn};
use testing::TestDatabase;

fn draw(key: u8, wanted: u32) -> Draw {
    Draw { key: [key; 32], wanted, quota: 10, period: Duration::from_secs(600) }
}

fn drawn(database: &TestDatabase, draw: &Draw) -> Drawn {
    let mut all = database.db.draw_quotas(std::slice::from_ref(draw)).unwrap();
    assert_eq!(all.len(), 1);
    let (key, drawn) = all.remove(0);
    assert_eq!(key, draw.key);
    drawn
}

#[test]
fn no_more_is_granted_than_there_is() {
    let database = TestDatabase::new();
    let four = draw(1, 4);
    let granted: Vec<(u32, u32)> =
        (0..4).map(|_| drawn(&database, &four)).map(|each| (each.granted, four.left(&each))).collect();
    assert_eq!(granted, [(4, 6), (4, 2), (2, 0), (0, 0)]);
    let refused = drawn(&database, &four);
    let wait = four.wait(&refused);
    assert!(wait > Duration::from_secs(55) && wait <= Duration::from_secs(60), "{wait:?}");
}

#[test]
fn a_first_draw_is_bounded_too() {
    let database = TestDatabase::new();
    assert_eq!(drawn(&database, &draw(1, 1_000)).granted, 10);
    assert_eq!(drawn(&database, &draw(1, 1)).granted, 0);
}

#[test]
fn one_comes_back_at_a_time() {
    let database = TestDatabase::new();
    let quick = |wanted| Draw { key: [2; 32], wanted, quota: 10, period: Duration::from_millis(500) };
    assert_eq!(drawn(&database, &quick(10)).granted, 10);
    std::thread::sleep(Duration::from_millis(120));
    let later = drawn(&database, &quick(10)).granted;
    assert!((2..10).contains(&later), "{later}");
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(drawn(&database, &quick(20)).granted, 10);
}

#[test]
fn others_are_counted_apart_and_many_are_drawn_at_once() {
    let database = TestDatabase::new();
    drawn(&database, &draw(3, 9));
    let mut all = database.db.draw_quotas(&[draw(5, 2), draw(3, 2), draw(4, 2)]).unwrap();
    all.sort_by_key(|(key, _)| *key);
    let granted: Vec<(u8, u32)> = all.iter().map(|(key, each)| (key[0], each.granted)).collect();
    assert_eq!(granted, [(3, 1), (4, 2), (5, 2)]);
}

#[test]
fn however_many_ask_at_once_the_sum_is_the_quota() {
    let database = TestDatabase::with_connections(8);
    let granted: u32 = std::thread::scope(|scope| {
        let ask = || {
            let keys = [draw(6, 1), draw(7, 1)];
            (0..5)
                .map(|_| {
                    database.db.draw_quotas(&keys).unwrap().iter().map(|(_, each)| each.granted).sum::<u32>()
                })
                .sum::<u32>()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(granted, 20);
}

#[test]
fn what_is_whole_again_is_swept_up_and_the_rest_stays() {
    let database = TestDatabase::new();
    drawn(&database, &draw(8, 1));
    drawn(&database, &Draw { key: [9; 32], wanted: 1, quota: 1_000, period: Duration::from_millis(1) });
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(database.db.purge_quotas(100).unwrap(), 1);
    assert_eq!(database.count("app.quotas"), 1);
}
