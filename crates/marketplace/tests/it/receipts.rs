//! The page about receipts says what is so: its commands are run, and its example is sealed anew.

use std::process::Command;

use chrono::NaiveDate;
use kernel::{Currency, Instant};
use marketplace::{BidMilestone, BidParts, Line, LineKind, rules};

const PAGE: &str = include_str!("../../../../docs/RECEIPTS.md");

/// What stands in the page's blocks of this kind, in their order.
fn blocks(kind: &str) -> Vec<String> {
    let fence = format!("\n```{kind}\n");
    PAGE.split(&fence).skip(1).map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

#[test]
fn the_commands_of_the_page_print_what_it_says() {
    let (commands, prints) = (blocks("sh"), blocks("text"));
    assert_eq!((commands.len(), prints.len()), (3, 3));
    let folder = tempfile::tempdir().unwrap();
    for (command, expected) in commands.iter().zip(prints) {
        let done = Command::new("sh").arg("-c").arg(command).current_dir(folder.path()).output().unwrap();
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(String::from_utf8_lossy(&done.stdout), expected, "{command}");
    }
}

#[test]
fn the_example_of_the_page_is_what_such_a_bid_is_sealed_as() {
    let quoted = |name: &str| {
        let (_, rest) = PAGE.split_once(&format!("\n{name}='")).unwrap();
        rest.split_once("'\n").unwrap().0
    };
    let (canonical, salt) = (quoted("canonical"), quoted("salt"));
    let said: serde_json::Value = serde_json::from_str(canonical).unwrap();
    let text = |pointer: &str| said.pointer(pointer).unwrap().as_str().unwrap();
    let parts = BidParts {
        amount: 180_000,
        lines: vec![
            Line::new(LineKind::Labour, "Two days", 120_000).unwrap(),
            Line::new(LineKind::Material, "Tiles", 60_000).unwrap(),
        ],
        milestones: vec![
            BidMilestone::new("Floor", None, 80_000, NaiveDate::from_ymd_opt(2027, 3, 4)).unwrap(),
            BidMilestone::new("Walls", None, 100_000, None).unwrap(),
        ],
        terms: Some(text("/terms").to_owned()),
        ..BidParts::in_stages(&[])
    };
    let ids = (text("/bidId").parse().unwrap(), text("/jobId").parse().unwrap(), 2);
    let submitted_at: Instant = text("/submittedAt").parse().unwrap();
    let salt_bytes = hex::decode(salt).unwrap().try_into().unwrap();
    let sealed =
        rules::seal(ids, Currency::USD, &parts.checked().unwrap(), submitted_at, salt_bytes).unwrap();
    assert_eq!((sealed.proof.canonical.as_str(), sealed.proof.salt.as_str()), (canonical, salt));
    assert!(blocks("text")[0].starts_with(&sealed.receipt), "{}", sealed.receipt);
}
