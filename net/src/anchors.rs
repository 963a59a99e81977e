//! The last good outbound peers, kept in a small file: whoever controls what a restarted node
//! hears first cannot choose all of its peers.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use libp2p::{Multiaddr, multiaddr::Protocol};

/// Anchors that are kept, and dialled.
pub(crate) const MOST: usize = 4;
/// Bytes of a file; a line has at most 200.
const MAX_BYTES: u64 = 4_096;
/// Bytes of a line that is read.
const MAX_LINE: usize = 512;

/// The file, and what it says.
#[derive(Debug)]
pub(crate) struct Anchors {
    path: PathBuf,
    kept: Vec<Multiaddr>,
}

impl Anchors {
    /// Reads the file `anchors` of a folder. What cannot be read is as if it was not there: nothing
    /// but the first dials depends on it.
    #[must_use]
    pub(crate) fn read(folder: &Path) -> Self {
        let path = folder.join("anchors");
        let kept = read(&path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(?path, %error, "anchors not read");
            }
            Vec::new()
        });
        Self { path, kept }
    }

    /// The addresses, with the peers there.
    #[must_use]
    pub(crate) fn addresses(&self) -> &[Multiaddr] {
        &self.kept
    }

    /// Writes other ones, unless they are none or the same.
    ///
    /// # Errors
    /// What the system says; the old file is then as it was.
    pub(crate) fn keep(&mut self, mut anchors: Vec<Multiaddr>) -> io::Result<()> {
        anchors.retain(is_anchor);
        anchors.truncate(MOST);
        let same = anchors.iter().all(|anchor| self.kept.contains(anchor));
        if anchors.is_empty() || same && anchors.len() == self.kept.len() {
            return Ok(());
        }
        let new = self.path.with_extension("new");
        // Whatever lies there, a link for one, is not followed.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
        for anchor in &anchors {
            writeln!(file, "{anchor}")?;
        }
        drop(file);
        fs::rename(&new, &self.path)?;
        self.kept = anchors;
        Ok(())
    }
}

/// An IP address or name, a TCP port and the peer that has to be there.
fn is_anchor(address: &Multiaddr) -> bool {
    use Protocol::{Dns, Dns4, Dns6, Ip4, Ip6, P2p, Tcp};
    let parts: Vec<_> = address.iter().collect();
    matches!(parts[..], [Ip4(_) | Ip6(_) | Dns(_) | Dns4(_) | Dns6(_), Tcp(_), P2p(_)])
}

fn read(path: &Path) -> io::Result<Vec<Multiaddr>> {
    // A pipe would never end, a link could lead anywhere.
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("larger than 4 KiB"));
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| line.len() <= MAX_LINE);
    let lines = lines.filter_map(|line| std::str::from_utf8(line).ok()?.trim().parse().ok());
    Ok(lines.filter(is_anchor).take(MOST).collect())
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;

    use super::*;

    fn anchor(n: u8) -> Multiaddr {
        let address: Multiaddr = format!("/ip4/10.0.0.{n}/tcp/1").parse().expect("address");
        address.with(Protocol::P2p(PeerId::random()))
    }

    #[test]
    fn anchors_are_read_back_and_never_more_than_four() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut anchors = Anchors::read(folder.path());
        assert!(anchors.addresses().is_empty());
        let many: Vec<_> = (0..10).map(anchor).collect();
        anchors.keep(many.clone()).expect("written");
        assert_eq!(Anchors::read(folder.path()).addresses(), &many[..MOST]);
        anchors.keep(Vec::new()).expect("nothing to do");
        assert_eq!(Anchors::read(folder.path()).addresses(), &many[..MOST], "none is no news");
        anchors.keep(vec![many[9].clone()]).expect("written");
        assert_eq!(Anchors::read(folder.path()).addresses(), &many[9..]);
    }

    #[test]
    fn hostile_files_are_survived() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("anchors");
        let good = anchor(1);
        let lines = [
            "".to_owned(),
            "not an address".to_owned(),
            "/ip4/10.0.0.1/tcp/1".to_owned(),
            format!("/unix/%2Ftmp%2Fx/p2p/{}", PeerId::random()),
            format!("{good}{}", "/p2p-circuit".repeat(100)),
            format!("{good}/p2p-circuit"),
            good.to_string(),
            "\u{0}".to_owned(),
        ];
        fs::write(&path, [lines.join("\n").as_bytes(), b"\n\xff\xfe\n"].concat()).expect("written");
        assert_eq!(Anchors::read(folder.path()).addresses(), std::slice::from_ref(&good));
        fs::write(&path, format!("{good}\n").repeat(1_000)).expect("written");
        assert!(Anchors::read(folder.path()).addresses().is_empty(), "too large");
        fs::write(&path, format!("{good}\n").repeat(20)).expect("written");
        assert_eq!(Anchors::read(folder.path()).addresses().len(), MOST);
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("linked");
        assert!(Anchors::read(folder.path()).addresses().is_empty());
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("made");
        let mut anchors = Anchors::read(folder.path());
        assert!(anchors.addresses().is_empty());
        assert!(anchors.keep(vec![good]).is_err(), "said, and survived");
    }
}
