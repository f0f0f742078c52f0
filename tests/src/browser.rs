//! A browser: it keeps cookies, and goes where it is sent one step at a time, so that a test sees and can twist each step.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::Answer;

/// How many times one may be sent on before it is a circle.
const STEPS_MAX: usize = 12;

/// Somebody's browser.
#[derive(Debug, Clone)]
pub struct Browser {
    client: Client,
    /// By host and port, as no real browser would: here both are one machine.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl Default for Browser {
    fn default() -> Self {
        let client = Client::builder().redirect(Policy::none()).build();
        Self {
            client: client.unwrap_or_else(|error| panic!("no HTTP client: {error}")),
            cookies: BTreeMap::new(),
        }
    }
}

impl Browser {
    /// Opens an address, and stays there.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn open(&mut self, address: &str) -> Answer {
        let url = Url::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let jar = self.cookies.entry(url.authority().to_owned()).or_default();
        let kept: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.client.get(url);
        if !kept.is_empty() {
            request = request.header("cookie", kept.join("; "));
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("GET {address}: {error:?}"));
        for cookie in response.headers().get_all("set-cookie") {
            let text = cookie.to_str().unwrap_or_default();
            let pair = text.split(';').next().and_then(|pair| pair.split_once('='));
            match pair {
                Some((name, "")) => drop(jar.remove(name)),
                Some((name, value)) => drop(jar.insert(name.to_owned(), value.to_owned())),
                None => {}
            }
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { asked: format!("GET {address}"), status, headers, bytes, json }
    }

    /// Opens an address and goes wherever it is sent, until it would be sent to an address that begins so; that one.
    ///
    /// # Panics
    /// When it ends somewhere else.
    pub async fn follow(&mut self, address: &str, until: &str) -> String {
        let mut address = address.to_owned();
        for _ in 0..STEPS_MAX {
            if address.starts_with(until) {
                return address;
            }
            let answer = self.open(&address).await;
            let next = answer.header("location").and_then(|next| Url::parse(&address).ok()?.join(next).ok());
            address = match next {
                Some(next) => next.into(),
                None => panic!("{} leads nowhere: {}", answer.asked, answer.text()),
            };
        }
        panic!("{address} leads round and round")
    }

    /// What it keeps for this host, by the cookie's name.
    #[must_use]
    pub fn cookie(&self, base: &str, name: &str) -> Option<String> {
        let url = Url::parse(base).ok()?;
        self.cookies.get(url.authority())?.get(name).cloned()
    }
}

/// What an address says under that name.
#[must_use]
pub fn said(address: &str, name: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The same address, saying something else under that name.
///
/// # Panics
/// When it is no address.
#[must_use]
pub fn saying(address: &str, name: &str, value: &str) -> String {
    let mut url = Url::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(known, _)| known != name)
        .map(|(known, value)| (known.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    url.into()
}
