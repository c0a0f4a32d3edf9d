//! Files to verify a release: SHA256SUMS, and a signature for openssl.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emocue_models::bundle::{PublicKey, SecretKey, Sha256};
use emocue_models::failure::Problem;

use super::tree::files_below;
use crate::Result;
use crate::privacy::SECRET;

/// The list of hashes.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// Its signature, 64 bytes.
const SIGNATURE: &str = "SHA256SUMS.sig";

/// The public key for openssl, in PEM.
const PUBLIC: &str = "release-key.pem";

/// DER prefix of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const PEM_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Writes the hashes of all files of a folder in the format of `sha256sum --check`, and signs them with `key`, if any.
pub(crate) fn write(folder: &Path, key: Option<&SecretKey>) -> Result<()> {
    let mut sums = String::new();
    for file in files_below(folder)? {
        let hash = Sha256::of(&fs::read(&file)?);
        sums += &format!("{hash}  {}\n", file.strip_prefix(folder)?.display());
    }
    fs::write(folder.join(SUMS), &sums)?;
    if let Some(key) = key {
        let signature = key.sign_file(sums.as_bytes()).ok_or("a list of hashes that is no text")?;
        fs::write(folder.join(SIGNATURE), signature)?;
        fs::write(folder.join(PUBLIC), pem(key.public()))?;
    }
    Ok(())
}

/// A public key in PEM.
fn pem(key: PublicKey) -> String {
    let der = [&PEM_PREFIX[..], &key.to_bytes()].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

/// Reads a key that `emocue key new` made.
pub(crate) fn read_key(path: &Path) -> Result<SecretKey> {
    let file = path.display();
    let fault = |what: &str, help: &str| Problem::usage(format!("{file} {what}")).help(help);
    let makes = "`emocue key new -o FILE` makes a key; a release has one of its own.";
    let text = fs::read_to_string(path)
        .map_err(|error| fault(&format!("cannot be read: {error}"), makes))?;
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        return Err(
            fault("can be read by others", "`chmod 600`, and a new key if anybody did.").into()
        );
    }
    let digits = text.trim().strip_prefix(SECRET.trim_end()).map(str::trim);
    Ok(digits
        .and_then(SecretKey::from_digits)
        .ok_or_else(|| fault("is not a secret key", makes))?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn sha256sum_and_openssl_agree() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("one"), "1").unwrap();
        fs::write(folder.path().join("two"), "2").unwrap();
        write(folder.path(), Some(&SecretKey::from_seed(&[7; 32]))).unwrap();
        let runs = |program: &str, args: &[&str]| {
            let status = Command::new(program).current_dir(folder.path()).args(args).output();
            status.unwrap().status.success()
        };
        let verify = [
            "pkeyutl", "-verify", "-pubin", "-inkey", PUBLIC, "-rawin", "-in", SUMS, "-sigfile",
            SIGNATURE,
        ];
        assert!(runs("sha256sum", &["--check", "--strict", SUMS]));
        assert!(runs("openssl", &verify));
        fs::write(folder.path().join("one"), "3").unwrap();
        assert!(!runs("sha256sum", &["--check", "--strict", SUMS]));
        fs::write(folder.path().join(SUMS), "other").unwrap();
        assert!(!runs("openssl", &verify));
    }

    #[test]
    fn a_key_is_read_from_its_owners_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, format!("{SECRET}{}\n", "07".repeat(32))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_key(&path).unwrap_err().to_string().contains("read by others"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read_key(&path).unwrap().public(), SecretKey::from_seed(&[7; 32]).public());
        fs::write(&path, "words").unwrap();
        assert!(read_key(&path).unwrap_err().to_string().contains("not a secret key"));
    }
}
