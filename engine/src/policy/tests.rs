//! The decision, case by case.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::Schema;
use radlake_catalogs::{Grant, TableObject};

use super::decide::{Privilege, Rights, Verdict, decide};
use super::subject::Subject;
use crate::Lakehouse;

fn table(grants: Vec<Grant>) -> TableObject {
    let mut table = TableObject::new("imaging", "series", Arc::new(Schema::empty())).with_owner(7);
    table.grants = grants;
    table
}

fn grant(grantee: u32, privilege: Privilege, column: Option<&str>) -> Grant {
    Grant {
        grantee,
        grantor: 7,
        privilege: privilege.name().to_owned(),
        column: column.map(str::to_owned),
        grantable: false,
    }
}

fn subject(roles: &[u32]) -> Subject {
    Subject::with_roles("r", 1, false, roles.iter().copied().collect())
}

#[test]
fn who_is_not_granted_something_has_nothing() {
    let table = table(vec![
        grant(9, Privilege::Insert, None),
        grant(8, Privilege::Select, None),
    ]);
    let verdict = |roles: &[u32]| decide(&subject(roles), Rights::of_table(&table), Privilege::Select);
    assert_eq!(verdict(&[9]), Verdict::Nothing);
    assert_eq!(verdict(&[]), Verdict::Nothing);
    assert_eq!(verdict(&[9, 8]), Verdict::Everything);
    assert_eq!(verdict(&[7]), Verdict::Everything, "the owner");
    assert_eq!(
        decide(&Subject::lake(), Rights::of_table(&table), Privilege::Delete),
        Verdict::Everything
    );
}

#[test]
fn what_nobody_owns_is_not_everybodys() {
    let table = table(Vec::new()).with_owner(0);
    let verdict = decide(&subject(&[0]), Rights::of_table(&table), Privilege::Select);
    assert_eq!(verdict, Verdict::Nothing);
}

#[tokio::test]
async fn an_owner_who_is_gone_is_nobody() {
    let url = format!("memory:///{}", uuid::Uuid::new_v4());
    let lakehouse = Lakehouse::init(&url, "radlake", "secret").await.unwrap();
    let epoch = lakehouse.lake().known();
    let gone = Subject::owner(&epoch, 7);
    let table = table(vec![grant(9, Privilege::Select, None)]);
    assert_eq!(
        decide(&gone, Rights::of_table(&table), Privilege::Select),
        Verdict::Nothing
    );
    assert!(!gone.superuser && Subject::owner(&epoch, 0).superuser);
}

#[test]
fn rights_to_columns_add_up_and_public_is_everybody() {
    let table = table(vec![
        grant(0, Privilege::Select, Some("a")),
        grant(9, Privilege::Select, Some("b")),
        grant(9, Privilege::Update, Some("c")),
    ]);
    let verdict = |roles: &[u32]| decide(&subject(roles), Rights::of_table(&table), Privilege::Select);
    let columns =
        |names: &[&str]| Verdict::Columns(names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>());
    assert_eq!(verdict(&[5]), columns(&["a"]));
    assert_eq!(verdict(&[9]), columns(&["a", "b"]));
    assert!(verdict(&[9]).covers(["b", "a"]));
    assert!(!verdict(&[9]).covers(["b", "c"]));
    assert!(verdict(&[9]).covers([]), "count(*)");
    assert!(!Verdict::Nothing.covers([]));
}
