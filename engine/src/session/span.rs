//! What a log says of a statement: who ran it, on which epoch, and a hash for its text.

use radlake_catalogs::Epoch;
use radlake_sql::Statement;
use sha2::{Digest, Sha256};
use tracing::{Span, field};

use super::Inner;

/// The span of a statement. Its text may hold what no log may, so that a hash stands for it: the same for the same text, in
/// every process.
pub(super) fn of(session: &Inner, statement: &Statement) -> Span {
    tracing::debug_span!(
        "statement",
        role = session.current_role(),
        epoch = field::Empty,
        hash = short_hash(statement.text())
    )
}

/// The statement that is running reads this epoch; one that is built again reads another.
pub(crate) fn reads(epoch: &Epoch) {
    Span::current().record("epoch", epoch.number);
}

/// The first eight bytes of a text's SHA-256, in hexadecimal digits.
fn short_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_hash_is_what_sha256sum_begins_with() {
        assert_eq!(super::short_hash("SELECT 1"), "e004ebd5b5532a4b");
    }
}
