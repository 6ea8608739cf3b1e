use super::*;

fn of(text: &str) -> Command {
    let statements = crate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    command(statements[0].ast()).unwrap_or_else(|| panic!("{text}: {:?}", statements[0].ast()))
}

fn set(name: &str, value: &str, local: bool) -> Command {
    Command::Set {
        name: name.into(),
        value: Some(value.into()),
        local,
    }
}

#[test]
fn settings_are_read_in_every_spelling() {
    assert_eq!(
        of("SET search_path = imaging, \"Public\", 'a b'"),
        set("search_path", "imaging, Public, a b", false)
    );
    assert_eq!(
        of("SET LOCAL Statement_Timeout TO 100"),
        set("statement_timeout", "100", true)
    );
    assert_eq!(
        of("SET SESSION extra_float_digits = -1"),
        set("extra_float_digits", "-1", false)
    );
    assert_eq!(
        of("SET standard_conforming_strings = on"),
        set("standard_conforming_strings", "on", false)
    );
    assert_eq!(of("SET radlake.epoch = 42"), set("radlake.epoch", "42", false));
    assert_eq!(
        of("SET TIME ZONE 'Europe/Berlin'"),
        set("timezone", "Europe/Berlin", false)
    );
    assert_eq!(of("SET NAMES 'UTF8'"), set("client_encoding", "UTF8", false));
    let default = Command::Set {
        name: "timezone".into(),
        value: None,
        local: false,
    };
    assert_eq!(of("SET TimeZone TO DEFAULT"), default);
    assert_eq!(of("SET TIME ZONE LOCAL"), default);
    assert_eq!(of("SHOW TimeZone"), Command::Show("timezone".into()));
    assert_eq!(of("SHOW TIME ZONE"), Command::Show("timezone".into()));
    assert_eq!(
        of("SHOW TRANSACTION ISOLATION LEVEL"),
        Command::Show("transaction_isolation".into())
    );
    assert_eq!(of("SHOW radlake.epoch"), Command::Show("radlake.epoch".into()));
    assert_eq!(of("SHOW ALL"), Command::ShowAll);
    assert_eq!(of("RESET ALL"), Command::ResetAll);
    assert_eq!(of("RESET search_path"), Command::Reset("search_path".into()));
    assert_eq!(of("RESET TIME ZONE"), Command::Reset("timezone".into()));
}

#[test]
fn transactions_are_read_in_every_spelling() {
    let begin = |read_only, tag| Command::Begin {
        read_only,
        isolation: None,
        tag,
    };
    assert_eq!(of("BEGIN"), begin(None, "BEGIN"));
    assert_eq!(of("BEGIN TRANSACTION"), begin(None, "BEGIN"));
    assert_eq!(of("BEGIN WORK"), begin(None, "BEGIN"));
    assert_eq!(
        of("BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY"),
        Command::Begin {
            read_only: Some(true),
            isolation: Some("serializable"),
            tag: "BEGIN"
        }
    );
    assert_eq!(
        of("START TRANSACTION READ WRITE"),
        begin(Some(false), "START TRANSACTION")
    );
    assert_eq!(of("COMMIT WORK"), Command::Commit { chain: false });
    assert_eq!(of("END"), Command::Commit { chain: false });
    assert_eq!(of("ROLLBACK AND CHAIN"), Command::Rollback { chain: true });
    assert_eq!(of("ROLLBACK TO SAVEPOINT a"), Command::RollbackTo("a".into()));
    assert_eq!(of("ROLLBACK TO a"), Command::RollbackTo("a".into()));
    assert_eq!(of("SAVEPOINT a"), Command::Savepoint("a".into()));
    assert_eq!(of("RELEASE a"), Command::Release("a".into()));
    assert_eq!(
        of("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"),
        Command::Transaction {
            read_only: Some(true),
            isolation: Some("repeatable read"),
            session: true
        }
    );
    assert_eq!(
        of("SET TRANSACTION READ ONLY"),
        Command::Transaction {
            read_only: Some(true),
            isolation: None,
            session: false
        }
    );
}

#[test]
fn procedures_are_read() {
    let call = |name: &str, table: Option<&str>, dry_run| {
        Command::Call(Procedure {
            name: name.into(),
            table: table.map(str::to_owned),
            dry_run,
            named: Vec::new(),
        })
    };
    assert_eq!(
        of("CALL radlake.optimize('s.t')"),
        call("optimize", Some("s.t"), None)
    );
    assert_eq!(of("CALL Radlake.Vacuum()"), call("vacuum", None, None));
    assert_eq!(
        of("CALL radlake.vacuum('t', dry_run => true)"),
        call("vacuum", Some("t"), Some(true))
    );
    for other in [
        "CALL f(1)",
        "CALL radlake.vacuum(1 + 1)",
        "CALL radlake.vacuum(what => 'x')",
    ] {
        let statements = crate::parse(other).unwrap();
        assert_eq!(command(statements[0].ast()), None, "{other}");
    }
    let refresh = crate::parse("REFRESH MATERIALIZED VIEW v").unwrap();
    assert_eq!(refresh[0].kind(), crate::Kind::Write);
}

#[test]
fn cursors_are_read_in_every_spelling() {
    let Command::Declare {
        name,
        binary,
        scroll,
        hold,
        ..
    } = of("DECLARE C BINARY INSENSITIVE NO SCROLL CURSOR WITH HOLD FOR SELECT 1")
    else {
        panic!()
    };
    assert_eq!(
        (name.as_str(), binary, scroll, hold),
        ("c", true, Some(false), true)
    );
    for (text, direction) in [
        ("FETCH c", Direction::Forward(1)),
        ("FETCH FROM c", Direction::Forward(1)),
        ("FETCH NEXT IN c", Direction::Forward(1)),
        ("FETCH PRIOR FROM c", Direction::Forward(-1)),
        ("FETCH FIRST c", Direction::Absolute(1)),
        ("FETCH LAST FROM c", Direction::Absolute(-1)),
        ("FETCH ABSOLUTE -3 FROM c", Direction::Absolute(-3)),
        ("FETCH RELATIVE 2 c", Direction::Relative(2)),
        ("FETCH 10 FROM c", Direction::Forward(10)),
        ("FETCH -10 c", Direction::Forward(-10)),
        ("FETCH ALL FROM c", Direction::ForwardAll),
        ("FETCH FORWARD c", Direction::Forward(1)),
        ("FETCH FORWARD 5 FROM c;", Direction::Forward(5)),
        ("FETCH FORWARD ALL IN c", Direction::ForwardAll),
        ("FETCH BACKWARD FROM c", Direction::Forward(-1)),
        ("FETCH BACKWARD 5 c", Direction::Forward(-5)),
        ("FETCH BACKWARD ALL FROM c", Direction::BackwardAll),
        ("MOVE FORWARD -1 FROM c", Direction::Forward(-1)),
    ] {
        let fetch = Command::Fetch {
            cursor: "c".into(),
            direction,
            moves: text.starts_with("MOVE"),
        };
        assert_eq!(of(text), fetch, "{text}");
    }
    for text in ["FETCH SOME FROM c", "MOVE", "FETCH 1.5 FROM c"] {
        let known = |parsed: Vec<crate::Statement>| command(parsed[0].ast()).is_some();
        assert!(!crate::parse(text).is_ok_and(known), "{text}");
    }
}

#[test]
fn prepared_statements_are_read() {
    let Command::Prepare { name, types, .. } = of("PREPARE P (int, text) AS SELECT $1, $2") else {
        panic!()
    };
    assert_eq!((name.as_str(), types.len()), ("p", 2));
    let Command::Execute { name, values } = of("EXECUTE p(1, 'a')") else {
        panic!()
    };
    assert_eq!((name.as_str(), values.len()), ("p", 2));
    assert_eq!(
        of("EXECUTE p"),
        Command::Execute {
            name: "p".into(),
            values: vec![]
        }
    );
    assert_eq!(of("DEALLOCATE PREPARE p"), Command::Deallocate(Some("p".into())));
    assert_eq!(of("DEALLOCATE ALL"), Command::Deallocate(None));
    assert_eq!(of("DISCARD ALL"), Command::Discard("ALL"));
    assert_eq!(of("CLOSE ALL"), Command::Close(None));
    assert_eq!(of("CLOSE C"), Command::Close(Some("c".into())));
    assert_eq!(of("UNLISTEN *"), Command::Unlisten(None));
}
