use super::*;

fn rates(exempt: &[&str]) -> Rates {
    let exempt = exempt.iter().map(|network| network.parse().unwrap()).collect();
    let settings = RateSettings { anonymous: 3, exempt, ..RateSettings::default() };
    Rates::new(&settings, [7; 32], Shared::Process)
}

#[tokio::test]
async fn the_limit_counts_down_and_then_refuses() {
    let rates = rates(&[]);
    let address: IpAddr = "1.2.3.4".parse().unwrap();
    let left = rates.anonymous(address).await.unwrap().unwrap();
    assert_eq!(
        (left.policy().as_str(), left.limit().as_str()),
        ("\"anonymous\";q=3;w=60", "\"anonymous\";r=2;t=20")
    );
    rates.anonymous(address).await.unwrap();
    rates.anonymous(address).await.unwrap();
    let problem = Problem::from(rates.anonymous(address).await.unwrap_err());
    assert_eq!((problem.status().as_u16(), problem.code()), (429, "rate_limited"));
    let response = problem.respond("r");
    let wait: u32 = response.headers().get("retry-after").unwrap().to_str().unwrap().parse().unwrap();
    assert!((1..=21).contains(&wait), "{wait}");
    assert!(
        response.headers().contains_key("ratelimit") && response.headers().contains_key("ratelimit-policy")
    );
}

#[tokio::test]
async fn others_are_counted_apart_and_exempt_networks_not_at_all() {
    let rates = rates(&["10.0.0.0/8"]);
    for _ in 0..3 {
        rates.anonymous("1.2.3.4".parse().unwrap()).await.unwrap();
    }
    assert!(rates.anonymous("1.2.3.4".parse().unwrap()).await.is_err());
    assert!(rates.anonymous("1.2.3.5".parse().unwrap()).await.is_ok());
    for _ in 0..10 {
        assert_eq!(rates.anonymous("10.1.1.1".parse().unwrap()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_household_of_ipv6_is_one_caller() {
    let rates = rates(&[]);
    for host in ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::9"] {
        rates.anonymous(host.parse().unwrap()).await.unwrap();
    }
    assert!(rates.anonymous("2001:db8:1:2:a::b".parse().unwrap()).await.is_err());
    assert!(rates.anonymous("2001:db8:1:3::1".parse().unwrap()).await.is_ok());
}
