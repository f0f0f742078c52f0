//! What the machine offers: Postgres's binaries, a user to run them as, directories that are private.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use super::error::ClusterError;

/// Where Debian and Ubuntu put each major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The directory with `initdb`, `pg_ctl` and `postgres` of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    dir: PathBuf,
    major: String,
}

impl Binaries {
    /// Finds the binaries: in `configured` if that is given, else Debian's newest, else those on the PATH. `major` asks for
    /// one version, for data that exists already.
    ///
    /// # Errors
    /// [`ClusterError::NoBinaries`] when there are none at all; [`ClusterError::WrongVersion`] when only others.
    pub fn find(configured: Option<&Path>, data: &Path) -> Result<Self, ClusterError> {
        let candidates: Vec<PathBuf> = match configured {
            Some(dir) => vec![dir.to_owned()],
            None => debian().into_iter().chain(on_the_path()).collect(),
        };
        let found: Vec<Self> = candidates.iter().filter_map(|dir| Self::at(dir)).collect();
        let made_by =
            std::fs::read_to_string(data.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
        let fits =
            found.iter().find(|binaries| made_by.as_ref().is_none_or(|major| *major == binaries.major));
        match (fits, made_by) {
            (Some(binaries), _) => Ok(binaries.clone()),
            (None, Some(made_by)) if !found.is_empty() => Err(ClusterError::WrongVersion {
                data: data.to_owned(),
                made_by,
                found: found.iter().map(|binaries| binaries.major.as_str()).collect::<Vec<_>>().join(", "),
            }),
            _ => Err(ClusterError::NoBinaries {
                searched: match configured {
                    Some(dir) => dir.display().to_string(),
                    None => format!("{DEBIAN}/*/bin and the PATH"),
                },
            }),
        }
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The major version, such as `15`.
    #[must_use]
    pub fn major(&self) -> &str {
        &self.major
    }

    fn at(dir: &Path) -> Option<Self> {
        if !["initdb", "pg_ctl", "postgres"].iter().all(|program| dir.join(program).is_file()) {
            return None;
        }
        let output =
            Command::new(dir.join("postgres")).arg("--version").stdin(Stdio::null()).output().ok()?;
        // "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", or "17beta1" before a release.
        let text = String::from_utf8(output.stdout).ok()?;
        let version = text.split_whitespace().nth(2)?;
        let major: String = version.chars().take_while(char::is_ascii_digit).collect();
        (!major.is_empty()).then(|| Self { dir: dir.to_owned(), major })
    }
}

/// What Postgres keeps of its tables in memory of its own, in megabytes: an eighth of the machine's, or of what this process may have of it, for the
/// service, the sorts and the system's own cache want theirs. Postgres' own default where nobody says how much there is.
pub(super) fn shared_buffers() -> u64 {
    const LEAST: u64 = 128;
    const MOST: u64 = 4_096;
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let installed = installed_kilobytes(&read("/proc/meminfo")).map(|kilobytes| kilobytes / 1_024);
    let allowed = read("/sys/fs/cgroup/memory.max").trim().parse::<u64>().ok().map(|bytes| bytes >> 20);
    let memory = installed.into_iter().chain(allowed).min();
    memory.map_or(LEAST, |megabytes| (megabytes / 8).clamp(LEAST, MOST))
}

fn installed_kilobytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Debian's versions, newest first.
fn debian() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(DEBIAN) else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, dir)| dir).collect()
}

fn on_the_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Whom Postgres runs as: us, or, because it refuses root, an unprivileged user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAs {
    name: String,
    uid: u32,
    gid: u32,
    switch: bool,
}

impl RunAs {
    /// Decides it.
    ///
    /// # Errors
    /// [`ClusterError::NoUser`] when we are root and there is nobody else.
    pub fn choose() -> Result<Self, ClusterError> {
        let me = Uid::effective();
        if !me.is_root() {
            let gid = nix::unistd::Gid::effective().as_raw();
            return Ok(Self { name: format!("uid {me}"), uid: me.as_raw(), gid, switch: false });
        }
        // Debian's package makes `postgres`; `nobody` is everywhere.
        let user = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or(ClusterError::NoUser)?;
        Ok(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), switch: true })
    }

    /// A command that runs as this user, in a plain environment, with nothing to read.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir("/").env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        // Messages in English: diesel's errors are told apart by them.
        command.env("LC_ALL", "C").env("TZ", "UTC");
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes a directory, and its parents, that only this user may enter; or checks that the one there is such.
    ///
    /// # Errors
    /// [`ClusterError`] when it belongs to another, or cannot be reached.
    pub fn private_dir(&self, path: &Path) -> Result<(), ClusterError> {
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(ClusterError::io(parent))?;
        }
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => self.give(path)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ClusterError::Io { path: path.to_owned(), source: error }),
        }
        // Not following a link: in /tmp another user could have put one there.
        let metadata = std::fs::symlink_metadata(path).map_err(ClusterError::io(path))?;
        if !metadata.is_dir() || metadata.uid() != self.uid {
            return Err(ClusterError::NotOurs { path: path.to_owned() });
        }
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)).map_err(ClusterError::io(path))?;
        self.reaches(path)
    }

    /// Hands a file or directory over to this user.
    ///
    /// # Errors
    /// [`ClusterError::Io`].
    pub fn give(&self, path: &Path) -> Result<(), ClusterError> {
        if self.switch {
            chown(path, Some(self.uid), Some(self.gid)).map_err(ClusterError::io(path))?;
        }
        Ok(())
    }

    fn reaches(&self, path: &Path) -> Result<(), ClusterError> {
        if !self.switch {
            return Ok(());
        }
        let reached = self
            .command(Path::new("/bin/sh"))
            .args(["-c", "test -w \"$0\" && test -x \"$0\""])
            .arg(path)
            .status();
        if reached.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        Err(ClusterError::Unreachable { path: path.to_owned(), user: self.name.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        let meminfo = "MemTotal:       24015384 kB\nMemFree:         1024 kB\n";
        assert_eq!(installed_kilobytes(meminfo), Some(24_015_384));
        assert_eq!(installed_kilobytes("nothing"), None);
        assert!((128..=4_096).contains(&shared_buffers()));
    }
}
