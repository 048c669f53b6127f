//! The archive that Lambda takes: one file `bootstrap`, and nothing in it that depends on when or where it was made.

use std::fmt::Write as _;
use std::io::{Cursor, Read as _, Write as _};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// The name that the Lambda runtime `provided.al2023` starts.
pub const BOOTSTRAP: &str = "bootstrap";

/// Packs a binary. The same binary gives the same bytes, always: the time is the first that an archive can hold
/// (1980-01-01), the mode is 0755, and there is one entry.
///
/// # Errors
/// When the archive cannot be written, which would be a defect.
pub fn pack(binary: &[u8]) -> Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive
        .start_file(BOOTSTRAP, options)
        .context("cannot begin the archive")?;
    archive
        .write_all(binary)
        .context("cannot write the binary into the archive")?;
    let packed = archive.finish().context("cannot end the archive")?;
    Ok(packed.into_inner())
}

/// Takes the binary out of an archive.
///
/// # Errors
/// When the bytes are no archive, or hold anything but an executable `bootstrap`.
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(packed)).context("this is no archive")?;
    ensure!(
        archive.len() == 1,
        "the archive holds {} files",
        archive.len()
    );
    let mut entry = archive
        .by_name(BOOTSTRAP)
        .context("the archive holds no bootstrap")?;
    let mode = entry.unix_mode().unwrap_or_default();
    ensure!(mode & 0o777 == 0o755, "bootstrap has the mode {mode:o}");
    let mut binary = Vec::new();
    entry
        .read_to_end(&mut binary)
        .context("cannot read bootstrap in the archive")?;
    Ok(binary)
}

/// The SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::write::SimpleFileOptions;
    use zip::{ZipArchive, ZipWriter};

    use super::{pack, sha256, unpack};

    #[test]
    fn the_same_binary_makes_the_same_archive_for_ever() {
        let packed = pack(b"binary").unwrap();
        assert_eq!(packed, pack(b"binary").unwrap());
        // Written down: another version of a library that packs differently is noticed.
        assert_eq!(
            sha256(&packed),
            "04da3abc0f32674243f9f7dce0686a0bfb7b286c4a1d986f78def2528155e083"
        );
    }

    #[test]
    fn the_archive_holds_one_executable_without_a_time() {
        let packed = pack(b"binary").unwrap();
        let mut archive = ZipArchive::new(Cursor::new(&packed)).unwrap();
        assert_eq!(archive.len(), 1);
        let entry = archive.by_index(0).unwrap();
        assert_eq!(entry.name().unwrap(), "bootstrap");
        assert_eq!(entry.unix_mode(), Some(0o100_755));
        let time = entry.last_modified().unwrap();
        assert_eq!(
            (time.year(), time.month(), time.day(), time.hour()),
            (1980, 1, 1, 0)
        );
        assert_eq!(entry.extra_data(), None);
    }

    #[test]
    fn what_was_packed_comes_out_again() {
        assert_eq!(unpack(&pack(b"binary").unwrap()).unwrap(), b"binary");
    }

    #[test]
    fn an_archive_that_lambda_could_not_start_is_refused() {
        let with = |name: &str, mode: u32| {
            let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
            let options = SimpleFileOptions::default().unix_permissions(mode);
            archive.start_file(name, options).unwrap();
            archive.write_all(b"binary").unwrap();
            archive.finish().unwrap().into_inner()
        };
        assert!(unpack(&with("bootstrap", 0o755)).is_ok());
        for broken in [with("main", 0o755), with("bootstrap", 0o644), vec![1, 2, 3]] {
            assert!(unpack(&broken).is_err());
        }
    }
}
