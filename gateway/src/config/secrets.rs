//! The keys that the server signs and seals with. In development they are made once and kept in the data directory; anywhere
//! else they have to be stated, and a sample value is refused.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use identity::{SECRET_BYTES_MIN, SecretRing};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::Environment;
use super::load::ConfigFaults;

/// What must never be printed. Each is at least [`SECRET_BYTES_MIN`] bytes long and independent of the others, so that one can be
/// changed without breaking what the others keep. To change one, move its value to the retired ones: what hangs on it goes on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Signs access tokens, refresh tokens and cursors. Changing it signs everybody out. `JWT_SECRET`.
    pub jwt_secret: Option<SecretString>,
    /// What `jwt_secret` was before.
    pub jwt_secret_retired: Vec<SecretString>,
    /// Goes into every password's hash. Without it no password can be checked. `PASSWORD_PEPPER`.
    pub password_pepper: Option<SecretString>,
    /// What `password_pepper` was before.
    pub password_pepper_retired: Vec<SecretString>,
    /// Wraps the keys that personal texts are sealed with. Without it sealed texts are lost. `VAULT_SECRET`.
    pub vault_secret: Option<SecretString>,
    /// What `vault_secret` was before.
    pub vault_secret_retired: Vec<SecretString>,
    /// What the simulated payment provider signs its webhooks with. `SIMULATED_WEBHOOK_SECRET`.
    pub simulated_webhook_secret: Option<SecretString>,
}

/// The secrets, all there.
#[derive(Clone)]
pub struct Keys {
    /// What people sign in by and what is sealed.
    pub identity: identity::Secrets,
    /// What cursors are signed with: another use of the JWT secret, under a label of its own.
    pub cursor: SecretString,
    /// See [`Secrets::simulated_webhook_secret`].
    pub simulated_webhook: SecretString,
}

/// Values that stand in examples and therefore are known to everybody.
const SAMPLES: [&str; 7] = ["change", "sample", "example", "secret-key", "your-", "your_", "placeholder"];

impl Secrets {
    /// The keys, whole: a missing one is made and kept under `directory` in development and in tests.
    ///
    /// # Errors
    /// [`ConfigFaults`] for each one that is missing outside development, too short, or a sample.
    pub fn keys(&self, environment: Environment, directory: &Path) -> Result<Keys, ConfigFaults> {
        let mut faults = ConfigFaults::default();
        let mut key = |setting: &str, variable: &str, stated: &Option<SecretString>| {
            let found = match stated {
                Some(secret) => fault_of(secret, environment).map_or_else(|| Ok(secret.clone()), Err),
                None if environment.makes_secrets() => {
                    kept(&directory.join("secrets"), setting).map_err(|error| {
                        format!("is not stated, and cannot be kept in {}: {error}", directory.display())
                    })
                }
                None => Err(format!(
                    "is missing; set {variable} to at least {SECRET_BYTES_MIN} random bytes, for example from `openssl rand -hex 32`"
                )),
            };
            found.unwrap_or_else(|message| {
                faults.push(format!("secrets.{setting}"), variable, message);
                SecretString::default()
            })
        };
        let jwt = key("jwt_secret", "JWT_SECRET", &self.jwt_secret);
        let pepper = key("password_pepper", "PASSWORD_PEPPER", &self.password_pepper);
        let vault = key("vault_secret", "VAULT_SECRET", &self.vault_secret);
        let webhook =
            ("simulated_webhook_secret", "SIMULATED_WEBHOOK_SECRET", &self.simulated_webhook_secret);
        let simulated_webhook = key(webhook.0, webhook.1, webhook.2);
        let ring =
            |current, retired: &[SecretString]| SecretRing::new(current).with_retired(retired.to_vec());
        faults.or(Keys {
            cursor: jwt.clone(),
            identity: identity::Secrets {
                jwt: ring(jwt, &self.jwt_secret_retired),
                pepper: ring(pepper, &self.password_pepper_retired),
                master: ring(vault, &self.vault_secret_retired),
            },
            simulated_webhook,
        })
    }
}

fn fault_of(secret: &SecretString, environment: Environment) -> Option<String> {
    let text = secret.expose_secret();
    if text.len() < SECRET_BYTES_MIN {
        return Some(format!("is {} bytes long; it takes at least {SECRET_BYTES_MIN}", text.len()));
    }
    let lower = text.to_lowercase();
    let first = text.chars().next();
    let sample =
        SAMPLES.iter().any(|sample| lower.contains(sample)) || text.chars().all(|each| Some(each) == first);
    (sample && !environment.makes_secrets())
        .then(|| "is a sample value that everybody knows; make one of your own".to_owned())
}

/// The secret of that name in this directory, made now if it is not there. The file appears whole or not at all, and of two
/// processes that make it at once both read the same.
fn kept(directory: &Path, name: &str) -> std::io::Result<SecretString> {
    let path = directory.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => return Ok(SecretString::from(text.trim().to_owned())),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    // Only this directory is closed: the user that Postgres runs as has to get through the one above.
    fs::create_dir_all(directory.parent().unwrap_or(directory))?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let made = identity::random_secret();
    let draft = directory.join(format!(".{name}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(made.expose_secret().as_bytes())?;
    file.sync_all()?;
    // A hard link fails when another process was first: then that one's secret is the secret.
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(SecretString::from(fs::read_to_string(&path)?.trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn stated(text: &str) -> Secrets {
        let secret = Some(SecretString::from(text));
        Secrets {
            jwt_secret: secret.clone(),
            password_pepper: secret.clone(),
            vault_secret: secret.clone(),
            simulated_webhook_secret: secret,
            ..Secrets::default()
        }
    }

    fn scratch(name: &str) -> std::path::PathBuf {
        let directory = std::env::temp_dir().join(format!("fairtrade-secrets-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        directory
    }

    #[test]
    fn in_development_a_missing_secret_is_made_once_and_readable_by_its_owner_only() {
        let directory = scratch("made");
        let first = Secrets::default().keys(Environment::Development, &directory).unwrap();
        let second = Secrets::default().keys(Environment::Development, &directory).unwrap();
        assert_eq!(first.simulated_webhook.expose_secret(), second.simulated_webhook.expose_secret());
        let file = |name: &str| fs::read_to_string(directory.join("secrets").join(name)).unwrap();
        assert_ne!(file("jwt_secret"), file("password_pepper"));
        let mode = |path: &str| fs::metadata(directory.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("secrets"), mode("secrets/jwt_secret")), (0o700, 0o600));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn elsewhere_missing_short_and_sample_secrets_are_refused_all_at_once() {
        let directory = scratch("refused");
        let faults = |secrets: Secrets| match secrets.keys(Environment::Production, &directory) {
            Ok(_) => 0,
            Err(faults) => faults.0.len(),
        };
        assert_eq!(faults(Secrets::default()), 4);
        assert_eq!(faults(stated("short")), 4);
        assert_eq!(faults(stated("please-change-me-please-change-me-please")), 4);
        assert_eq!(faults(stated("0000000000000000000000000000000000000000")), 4);
        assert_eq!(faults(stated("6b1f0c52a4e94a0fb6f2d1c7a9083e5d6b1f0c52")), 0);
        assert!(!directory.exists());
    }

    #[test]
    fn secrets_do_not_print() {
        let text = "6b1f0c52a4e94a0fb6f2d1c7a9083e5d6b1f0c52";
        assert!(!format!("{:?}", stated(text)).contains(text));
    }
}
