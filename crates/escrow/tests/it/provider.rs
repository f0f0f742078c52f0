//! The simulated provider as an outside system: keys, its own state, HTTP.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use escrow::provider::{
    IntentStatus, NewIntent, NewRefund, NewTransfer, PaymentMethod, ProviderError, SimulatedSettings,
};
use escrow::{PaymentProvider, Settings};
use kernel::{Currency, Money, PartyId};

use crate::stage::{Stage, VISA};

fn money(minor: i64) -> Money {
    Money::new(minor, Currency::USD).unwrap()
}

fn intent(reference: &str, minor: i64) -> NewIntent {
    NewIntent { reference: reference.to_owned(), amount: money(minor), group: "group".to_owned() }
}

#[test]
fn the_same_key_does_it_once_and_another_request_under_it_is_refused() {
    let stage = Stage::new();
    let first = stage.provider.create_intent("key", &intent("one", 1_000)).unwrap();
    let again = stage.provider.create_intent("key", &intent("one", 1_000)).unwrap();
    assert_eq!(first.id, again.id);
    let other = stage.provider.create_intent("key", &intent("one", 1_001)).unwrap_err();
    assert_eq!(other, ProviderError::Refused { code: "idempotency_key_reused".to_owned() });
    let method = PaymentMethod::new(VISA).unwrap();
    for _ in 0..2 {
        let confirmed = stage.provider.confirm_intent("confirm", &first.id, &method).unwrap();
        assert_eq!(confirmed.status, IntentStatus::Succeeded { fee: 10 });
    }
    assert_eq!(stage.provider.balance(Currency::USD).unwrap(), 990);
}

#[test]
fn many_at_once_with_one_key_do_it_once() {
    let stage = Stage::new();
    let made: Vec<String> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| stage.provider.create_intent("key", &intent("one", 1_000)).unwrap().id))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(made.iter().all(|id| *id == made[0]));
    assert_eq!(stage.database.count("simulated_provider.intents"), 1);
}

#[test]
fn it_pays_out_and_gives_back_no_more_than_it_has() {
    let stage = Stage::new();
    let made = stage.provider.create_intent("a", &intent("one", 1_000)).unwrap();
    stage.provider.confirm_intent("b", &made.id, &PaymentMethod::new(VISA).unwrap()).unwrap();
    let account = stage.provider.payee(PartyId::new()).unwrap().unwrap();
    let transfer = |minor| NewTransfer {
        reference: "t".to_owned(),
        destination: account.clone(),
        amount: money(minor),
        group: "group".to_owned(),
    };
    let short = stage.provider.transfer("c", &transfer(991)).unwrap_err();
    assert_eq!(short, ProviderError::Unavailable("balance_insufficient".to_owned()));
    // The same key, once the money is there.
    stage.provider.transfer("d", &transfer(490)).unwrap();
    let refund =
        |minor| NewRefund { reference: "r".to_owned(), intent: made.id.clone(), amount: money(minor) };
    let more = stage.provider.refund("e", &refund(1_001)).unwrap_err();
    assert_eq!(more, ProviderError::Refused { code: "charge_exceeds_refundable_amount".to_owned() });
    stage.provider.refund("f", &refund(500)).unwrap();
    assert_eq!(stage.provider.balance(Currency::USD).unwrap(), 0);
}

#[test]
fn its_state_is_its_own() {
    let stage = Stage::new();
    stage.funded(&[50_000]);
    let keys_across = "pg_constraint k JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
        WHERE k.contype = 'f' AND child.relnamespace <> parent.relnamespace
          AND 'simulated_provider'::regnamespace IN (child.relnamespace, parent.relnamespace)";
    assert_eq!(stage.database.count(keys_across), 0);
    assert_eq!(Settings::default().payment_lapse_minutes, 15);
}

/// A receiver that refuses the first webhook and takes the rest.
#[test]
fn webhooks_are_sent_over_http_until_somebody_takes_them() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/webhooks/simulated", listener.local_addr().unwrap());
    let stage = Stage::with(SimulatedSettings { webhook_url: Some(url), ..Default::default() });
    let (seen, received) = mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let (signature, body) = read_request(&mut stream);
            let status = if number == 0 { "500 Internal Server Error" } else { "200 OK" };
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            if seen.send((signature, body)).is_err() {
                return;
            }
        }
    });
    let deliveries = stage.provider.start_deliveries().unwrap();
    let account = stage.account(&[50_000]);
    stage.deposit(&account, Some(VISA)).unwrap();
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let (signature, body) = received.recv_timeout(Duration::from_secs(20)).unwrap();
        let now = kernel::Clock::now(&stage.database.clock);
        kinds.push(stage.provider.read_webhook(&signature, body.as_bytes(), now).unwrap().kind);
    }
    drop(deliveries);
    assert_eq!(kinds.iter().filter(|kind| *kind == "payment_intent.created").count(), 2, "{kinds:?}");
    assert!(kinds.iter().any(|kind| kind == "payment_intent.succeeded"), "{kinds:?}");
}

fn read_request(stream: &mut std::net::TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        let read = stream.read(&mut chunk).unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (found, value) = line.split_once(": ")?;
                found.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        let length: usize = header("content-length").unwrap().parse().unwrap();
        if body.len() >= length {
            return (header("simulated-signature").unwrap(), body.to_owned());
        }
    }
}
