//! The administrator's password as crypt(3) has it.

use sha_crypt::password_hash::CustomizedPasswordHasher as _;
use sha_crypt::{Params, ShaCrypt};
use sha2::Digest as _;

use crate::profile::Password;

/// Rounds of SHA-512: twenty times crypt(3)'s default, a login takes some 50 ms.
const ROUNDS: u32 = 100_000;

/// Bytes of salt: as many as the 16 characters hold that crypt(3) takes.
const SALT: usize = 12;

/// The hash of a password, or the hash itself where that is what the user gave.
///
/// The salt follows from `place` (cluster, user), so that equal builds give equal bytes; it is not taken from the password,
/// of which it would tell something. The nodes of a cluster have the same hash as they have the same password: whoever finds
/// it out for one knows it for all.
pub(super) fn hashed(password: &str, place: &str) -> anyhow::Result<String> {
    let password = match Password::read(password) {
        Ok(Password::Hash(hash)) => return Ok(hash.to_owned()),
        Ok(Password::Clear(password)) => password,
        Err(why) => anyhow::bail!("the administrator's password {}", why.message),
    };
    let salt = sha2::Sha256::digest(place);
    let failed = |_| anyhow::anyhow!("the administrator's password cannot be hashed");
    let params = Params::new(ROUNDS).map_err(failed)?;
    let hash = ShaCrypt::default().hash_password_with_params(password.as_bytes(), &salt[..SALT], params);
    Ok(hash.map_err(|_| anyhow::anyhow!("the administrator's password cannot be hashed"))?.to_string())
}

#[cfg(test)]
mod tests {
    use super::hashed;

    #[test]
    fn a_password_is_hashed_the_same_way_in_the_same_cluster_alone() {
        let one = hashed("geheim", "patroni/vasya").unwrap();
        assert!(one.starts_with("$6$rounds=100000$"), "{one}");
        assert_eq!(one, hashed("geheim", "patroni/vasya").unwrap());
        assert_ne!(one, hashed("geheim", "other/vasya").unwrap());
    }

    #[test]
    fn a_hash_stays_as_it_is() {
        let hash = "$y$j9T$abcdefgh$GxCeQreerYP7WYNXxV9BftndBRQBXf2528rchsi.eVD";
        assert_eq!(hashed(hash, "").unwrap(), hash);
        assert!(hashed("$6$ is how my password begins", "").is_err());
    }
}
