//! What every place to count in has to do, asked of each of them.

use std::sync::Arc;

use testing::{RedisServer, TestDatabase};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
/// Long enough to be seen, short enough to be waited for.
const SHORT: Duration = Duration::from_millis(300);

/// What has to stay while something is counted there.
enum Place {
    Postgres(TestDatabase),
    Redis(RedisServer),
}

impl Place {
    fn all() -> [Self; 2] {
        [Self::Postgres(TestDatabase::with_connections(8)), Self::Redis(RedisServer::start())]
    }

    /// Another server that counts here.
    fn server(&self) -> Together {
        match self {
            Self::Postgres(database) => Together::in_postgres(&database.db, SHORT).unwrap(),
            Self::Redis(redis) => server_on(redis),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "Postgres",
            Self::Redis(_) => "Redis",
        }
    }
}

fn server_on(redis: &RedisServer) -> Together {
    Together::in_redis(RedisQuotas::at(&redis.url().into(), PATIENCE).unwrap(), SHORT).unwrap()
}

fn say(redis: &RedisServer, command: &[&str]) -> redis::Value {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    redis::cmd(command[0]).arg(&command[1..]).query(&mut connection).unwrap()
}

/// A tenth of a quota of ten a minute comes back every six seconds: no test lasts that long.
fn draw(key: u8, wanted: u32) -> Draw {
    Draw { key: [key; 32], wanted, quota: 10, period: MINUTE }
}

/// A machine on which much else runs may once take longer than a request is to wait.
async fn drawn(server: &Together, draw: &Draw) -> Drawn {
    for _ in 0..20 {
        if let Some(drawn) = server.draw(draw.clone()).await {
            return drawn;
        }
        tokio::time::sleep(server.pause).await;
    }
    panic!("it cannot be drawn there");
}

#[tokio::test]
async fn no_more_is_granted_than_there_is_and_the_wait_is_told() {
    for place in Place::all() {
        let (server, four) = (place.server(), draw(1, 4));
        let mut granted = Vec::new();
        for _ in 0..4 {
            let each = drawn(&server, &four).await;
            granted.push((each.granted, four.left(&each)));
        }
        assert_eq!(granted, [(4, 6), (4, 2), (2, 0), (0, 0)], "{}", place.name());
        let refused = drawn(&server, &four).await;
        let wait = four.wait(&refused);
        assert!(
            wait > Duration::from_secs(1) && wait <= Duration::from_secs(6),
            "{}: {wait:?}",
            place.name()
        );
        // However much is asked for, whoever asks first gets no more than all of it.
        assert_eq!(drawn(&server, &draw(2, 1_000)).await.granted, 10, "{}", place.name());
    }
}

#[tokio::test]
async fn what_was_used_comes_back_evenly() {
    for place in Place::all() {
        let server = place.server();
        let quick = |wanted| Draw { key: [3; 32], wanted, quota: 10, period: Duration::from_millis(500) };
        assert_eq!(drawn(&server, &quick(10)).await.granted, 10, "{}", place.name());
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(drawn(&server, &quick(20)).await.granted, 10, "{}", place.name());
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(drawn(&server, &quick(1)).await.granted == 1, "{}", place.name());
    }
}

#[tokio::test]
async fn servers_count_together_and_others_apart() {
    for place in Place::all() {
        let (one, other) = (place.server(), place.server());
        assert_eq!(drawn(&one, &draw(4, 6)).await.granted, 6, "{}", place.name());
        assert_eq!(drawn(&other, &draw(4, 6)).await.granted, 4, "{}", place.name());
        assert_eq!(drawn(&other, &draw(5, 6)).await.granted, 6, "{}", place.name());
    }
}

#[tokio::test]
async fn however_many_servers_draw_at_once_the_sum_is_the_quota() {
    for place in Place::all() {
        let mut tasks = Vec::new();
        for server in (0..4).map(|_| Arc::new(place.server())) {
            for key in [6, 7] {
                let server = Arc::clone(&server);
                let one = Draw { key: [key; 32], wanted: 1, quota: 40, period: Duration::from_secs(4_000) };
                tasks.push(tokio::spawn(async move {
                    let mut granted = 0;
                    for _ in 0..25 {
                        granted += drawn(&server, &one).await.granted;
                    }
                    granted
                }));
            }
        }
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, 80, "{}", place.name());
    }
}

#[tokio::test]
async fn redis_and_postgres_grant_the_same() {
    let [postgres, redis] = Place::all().map(|place| (place.server(), place));
    for turn in 0..60u32 {
        let quota = 7 + turn % 3 * 50;
        let key = [u8::try_from(10 + turn % 3).unwrap(); 32];
        let each = Draw { key, wanted: 1 + turn * 7 % 11, quota, period: Duration::from_secs(86_400) };
        let (of_postgres, of_redis) = (drawn(&postgres.0, &each).await, drawn(&redis.0, &each).await);
        assert_eq!(of_postgres.granted, of_redis.granted, "{each:?}");
        assert_eq!(each.left(&of_postgres), each.left(&of_redis), "{each:?}");
    }
}

#[tokio::test]
async fn while_redis_is_away_nothing_is_drawn_and_afterwards_it_is_again() {
    let mut redis = RedisServer::start();
    let server = server_on(&redis);
    assert_eq!(drawn(&server, &draw(1, 8)).await.granted, 8);
    assert_eq!(server.pause(), None);
    redis.kill();
    assert_eq!(server.draw(draw(1, 8)).await, None);
    let asked_again = server.pause().expect("it is left alone for a while");
    // Nobody asks it before that.
    assert_eq!(server.draw(draw(1, 8)).await, None);
    assert_eq!(server.pause(), Some(asked_again));
    tokio::time::sleep(SHORT).await;
    assert_eq!(server.draw(draw(1, 8)).await, None);
    redis.restart();
    // It kept nothing, so everybody begins anew.
    assert_eq!(drawn(&server, &draw(1, 8)).await.granted, 8);
    assert_eq!(server.pause(), None);
}

#[tokio::test]
async fn a_redis_that_was_started_anew_between_two_draws_is_not_noticed() {
    let mut redis = RedisServer::start();
    let server = server_on(&redis);
    drawn(&server, &draw(1, 1)).await;
    redis.restart();
    assert!(server.draw(draw(1, 1)).await.is_some());
}

#[tokio::test]
async fn a_server_may_start_before_its_redis() {
    let mut redis = RedisServer::start();
    redis.kill();
    let mut quotas = RedisQuotas::at(&redis.url().into(), PATIENCE).unwrap();
    assert!(matches!(quotas.prove(), Err(Unusable::Away(_))));
    let server = Together::in_redis(quotas, SHORT).unwrap();
    assert_eq!(server.draw(draw(1, 1)).await, None);
    redis.restart();
    assert_eq!(drawn(&server, &draw(1, 1)).await.granted, 1);
}

#[tokio::test]
async fn flushed_scripts_are_loaded_again() {
    let redis = RedisServer::start();
    let server = server_on(&redis);
    assert_eq!(drawn(&server, &draw(1, 8)).await.granted, 8);
    say(&redis, &["SCRIPT", "FLUSH"]);
    assert_eq!(server.draw(draw(1, 8)).await.map(|drawn| drawn.granted), Some(2));
}

#[tokio::test]
async fn what_is_kept_in_redis_names_nobody_and_goes_by_itself() {
    let redis = RedisServer::start();
    let server = server_on(&redis);
    drawn(&server, &draw(0xab, 5)).await;
    drawn(&server, &Draw { period: Duration::from_millis(20), ..draw(0xcd, 5) }).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let key = format!("fairtrade:rates:{}", "ab".repeat(32));
    let kept = redis::Value::Array(vec![redis::Value::BulkString(key.clone().into_bytes())]);
    assert_eq!(say(&redis, &["KEYS", "*"]), kept);
    let redis::Value::Int(left) = say(&redis, &["PTTL", &key]) else { panic!("a time") };
    assert!((20_000..=30_000).contains(&left), "five of ten come back in half a minute: {left}");
}

#[test]
fn a_redis_that_refuses_is_told_from_one_that_is_away_and_no_password_is_told() {
    let redis = RedisServer::start_with_password("right");
    let prove = |url: String| RedisQuotas::at(&url.into(), PATIENCE).unwrap().prove();
    prove(redis.url()).unwrap();
    for wrong in [
        redis.url_with_password("hunter2"),
        redis.url().replace(":right@", ""),
        format!("{}/99", redis.url()),
    ] {
        let Err(Unusable::Refused(error)) = prove(wrong.clone()) else { panic!("{wrong} is refused") };
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    // What is no Redis at all.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    assert!(matches!(prove(format!("redis://127.0.0.1:{port}")), Err(Unusable::Refused(_))));
    other.join().unwrap();
}
