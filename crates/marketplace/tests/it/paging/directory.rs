//! The directory in every order, while contractors come, go, are rated and write about themselves.

use std::collections::HashSet;

use kernel::Limit;
use marketplace::{DirectoryFilter, MarketplaceQueries as _};
use proptest::prelude::*;
use uuid::Uuid;

use super::{Read, hold, ids, read_while_writing, script};
use crate::directory::{questions, seed};
use crate::world::World;

const ROWS: u32 = 1_500;
const CASES: u32 = 12;

/// What becomes of a contractor; which one is taken modulo those that there are.
#[derive(Debug, Clone, Copy)]
enum Write {
    Enter,
    Leave(usize),
    Return(usize),
    Rate(usize, i32),
    Rename(usize),
}

fn write() -> impl Strategy<Value = Write> {
    let one = 0..10_000_usize;
    prop_oneof![
        4 => Just(Write::Enter),
        1 => one.clone().prop_map(Write::Leave),
        1 => one.clone().prop_map(Write::Return),
        3 => (one.clone(), 300..500_i32).prop_map(|(one, rank)| Write::Rate(one, rank)),
        2 => one.prop_map(Write::Rename),
    ]
}

#[test]
fn contractors_come_once_each() {
    let world = World::new();
    seed(&world, ROWS);
    let everybody: Vec<Uuid> =
        ids(&world, "SELECT party_id AS id FROM marketplace.directory").into_iter().collect();
    let asked = (prop::sample::select(questions()), script(write()));
    hold(CASES, &asked, |((form, condition, _), script)| {
        let there = ids(
            &world,
            &format!("SELECT party_id AS id FROM marketplace.directory WHERE listed AND {condition}"),
        );
        let filter = DirectoryFilter::new(&form).unwrap();
        let page = |after, limit| {
            let page = world.market.list_contractors(&filter, after, Limit::new(limit).unwrap()).unwrap();
            (page.items.iter().map(|card| card.id.uuid()).collect(), page.next)
        };
        let (mut disturbed, mut moved) = (HashSet::new(), HashSet::new());
        let write = |write: &Write| {
            let one = |n: usize| *everybody.get(n % everybody.len()).unwrap();
            let change = |set: String, id: Uuid| {
                world
                    .database
                    .execute(&format!("UPDATE marketplace.directory SET {set} WHERE party_id = '{id}'"));
            };
            match *write {
                Write::Enter => {
                    let id = Uuid::now_v7();
                    disturbed.insert(id);
                    world.database.execute(&format!(
                        "INSERT INTO marketplace.directory (party_id, listed, display_name, trades, skills, public_latitude, public_longitude,
                             member_since, reviews, rating_mean, rating_rank, checked, named, told)
                         VALUES ('{id}', true, 'Bob', '{{tiling}}', '{{skill3}}', 30.3, -97.4, app.clock(), 3, 400, 400, '[]', 'leaks', 'pipes')"
                    ));
                }
                Write::Leave(n) => {
                    disturbed.insert(one(n));
                    change("listed = false".to_owned(), one(n));
                }
                Write::Return(n) => {
                    disturbed.insert(one(n));
                    change("listed = true".to_owned(), one(n));
                }
                Write::Rate(n, rank) => {
                    disturbed.insert(one(n));
                    moved.insert(one(n));
                    change(format!("rating_rank = {rank}"), one(n));
                }
                Write::Rename(n) => change("display_name = 'Robert'".to_owned(), one(n)),
            }
        };
        let found = read_while_writing(&script, page, write);
        Read { found, there, disturbed, moved }.check()
    });
}
