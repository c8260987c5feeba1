//! The same tests on PostgreSQL: they see a [`Lab`] whose stores are there.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::store::sql::Connection;
use crate::store::sql::postgres::{Postgres, columns};
use crate::store::{Leadership, schema};

#[expect(clippy::duplicate_mod, reason = "the same tests on another engine")]
#[path = "outputs.rs"]
mod outputs;
#[expect(clippy::duplicate_mod, reason = "the same tests on another engine")]
#[path = "retention.rs"]
mod retention;
#[expect(clippy::duplicate_mod, reason = "the same tests on another engine")]
#[path = "saved.rs"]
mod saved;

/// Stands in the place of the other one.
struct Lab(super::Lab);

impl Lab {
    fn new() -> Self {
        Self(super::Lab { dir: TempDir::new().unwrap(), target: server::database() })
    }
}

impl Deref for Lab {
    type Target = super::Lab;

    fn deref(&self) -> &super::Lab {
        &self.0
    }
}

fn candidate(lab: &Lab, address: &str) -> Option<Candidate> {
    lab.target.as_ref().map(|target| Candidate::open(target, address).unwrap())
}

fn epoch_of(lab: &Lab, leadership: &Leadership) -> Config {
    let engine = Engine::Postgres { target: lab.target.clone().unwrap(), epoch: leadership.epoch().unwrap() };
    Config { engine, ..config(&lab.path()) }
}

#[test]
fn both_engines_have_the_same_tables() {
    let lab = Lab::new();
    let Some(target) = lab.target.clone() else { return };
    lab.open().writer.close();
    let there = columns(&Connection::Postgres(Box::new(Postgres::reader(&target).unwrap())));
    let here = super::Lab::new();
    here.open().writer.close();
    let reader = Connection::Sqlite(schema::open_reader(&here.path().join("c2.db")).unwrap());
    let sql = "SELECT t.name || '.' || c.name || ' ' || CASE WHEN c.type LIKE '%INT%' THEN 'bigint'
        WHEN c.type = 'BLOB' THEN 'bytea' ELSE 'text' END FROM sqlite_schema t, pragma_table_xinfo(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY 1";
    let expected: Vec<String> = reader.query(sql, (), |row| Ok(row.get(0)?)).unwrap();
    assert_eq!(there, expected);
}

#[test]
fn one_leads_and_who_was_deposed_commits_nothing() {
    let lab = Lab::new();
    let (Some(mut first), Some(mut second)) = (candidate(&lab, "one"), candidate(&lab, "two")) else { return };
    let old = first.try_lead().unwrap().unwrap();
    assert!(second.try_lead().unwrap().is_none() && old.holds());
    assert_eq!(second.leader().unwrap(), "one");
    let mut deposed = open(epoch_of(&lab, &old)).unwrap();
    commit(&mut deposed, &[add(1)]).unwrap();

    // What holds the lock breaks, as when the server ends a session that says nothing.
    lab.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND classid = 1127350273 AND objid::bigint = hashtext(current_schema())::bigint & 4294967295",
    );
    // It may take a moment until the lock is free.
    let new = loop {
        if let Some(new) = second.try_lead().unwrap() {
            break new;
        }
    };
    assert!(new.epoch() > old.epoch() && new.holds());
    assert!(!old.holds(), "its last confirmation is older than the wait of the new one");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let why = runtime.block_on(old.lost());
    assert!(why.contains("cannot be reached"), "{why}");
    let refused = commit(&mut deposed, &[add(2)]);
    assert!(matches!(refused, Err(StoreError::Deposed)), "{refused:?}");
    assert!(!deposed.writer.memo().put("word", "text".to_owned()), "nor is anything else written");
    let opened = open(Config { dir: lab.dir.path().join("other"), ..epoch_of(&lab, &new) });
    let mut opened = opened.unwrap();
    assert_eq!(opened.saved.jobs, [job(1)]);
    commit(&mut opened, &[add(2)]).unwrap();
    opened.writer.close();
    deposed.writer.close();
    new.resign();
    assert!(!new.holds());
    let at_once = second.try_lead().unwrap().unwrap();
    assert!(at_once.epoch() > new.epoch());
    at_once.resign();
}

#[test]
fn a_lead_that_was_dropped_is_free() {
    let lab = Lab::new();
    let (Some(mut first), Some(mut second)) = (candidate(&lab, "one"), candidate(&lab, "two")) else { return };
    // As by a c2d that leads, and whose database breaks off before it has begun.
    drop(first.try_lead().unwrap().unwrap());
    let next = (0..10_000).find_map(|_| second.try_lead().unwrap());
    next.expect("nobody leads").resign();
}

#[test]
fn a_connection_may_go_with_a_task() {
    let lab = Lab::new();
    let Some(target) = lab.target.clone() else { return };
    let connection = Postgres::reader(&target).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move { drop(connection) });
}

#[test]
fn a_leader_that_stands_still_in_a_transaction_holds_nobody_up() {
    let lab = Lab::new();
    let Some(mut first) = candidate(&lab, "one") else { return };
    let old = first.try_lead().unwrap().unwrap();
    open(epoch_of(&lab, &old)).unwrap().writer.close();
    let target = lab.target.as_ref().unwrap();
    let mut stopped =
        Connection::Postgres(Box::new(Postgres::writer(target, Some(old.epoch().unwrap().cast_signed()), "").unwrap()));
    let transaction = stopped.transaction().unwrap();
    transaction.execute("INSERT INTO meta VALUES ('half', 'done')", ()).unwrap();
    old.resign();
    // It waits for the row until the server ends the session that says nothing.
    let new = candidate(&lab, "two").unwrap().try_lead().unwrap().unwrap();
    assert!(transaction.commit().is_err());
    let kept = Connection::Postgres(Box::new(Postgres::reader(target).unwrap()));
    assert_eq!(kept.value::<i64>("SELECT count(*) FROM meta WHERE name = 'half'", ()).unwrap(), 0);
    new.resign();
}

#[test]
fn what_the_server_warns_of_at_a_commit_is_not_durable() {
    let lab = Lab::new();
    let Some(target) = lab.target.clone() else { return };
    lab.open().writer.close();
    let mut connection = Connection::Postgres(Box::new(Postgres::writer(&target, None, "").unwrap()));
    // A deferred trigger speaks at the commit, as the server does that waited for its standby in vain.
    lab.sql("CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'given up'; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER warns AFTER INSERT ON meta DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn()");
    let transaction = connection.transaction().unwrap();
    transaction.execute("INSERT INTO meta VALUES ('word', 'text')", ()).unwrap();
    let refused = transaction.commit().unwrap_err();
    assert!(c2_shared::advice::with_causes(&refused).contains("synchronous standby"), "{refused:?}");
    let transaction = connection.transaction().unwrap();
    transaction.write("INSERT INTO meta VALUES (?1, 'text')", ["another"], false).unwrap();
    let refused = transaction.commit().unwrap_err();
    assert!(c2_shared::advice::with_causes(&refused).contains("synchronous standby"), "{refused:?}");
}

#[test]
fn those_who_read_connect_again() {
    let lab = Lab::new();
    let Some(target) = lab.target.clone() else { return };
    let reader = Connection::Postgres(Box::new(Postgres::reader(&target).unwrap()));
    let pid: i64 = reader.value("SELECT pg_backend_pid()", ()).unwrap();
    lab.sql(&format!("SELECT pg_terminate_backend({pid})"));
    static TRIED: AtomicUsize = AtomicUsize::new(0);
    let again = loop {
        match reader.value::<i64>("SELECT pg_backend_pid()", ()) {
            Ok(again) if again != pid => break again,
            Ok(_) | Err(_) => assert!(TRIED.fetch_add(1, Ordering::Relaxed) < 10_000),
        }
    };
    assert_ne!(again, pid);
}

#[test]
fn a_text_is_kept_whatever_it_holds() {
    let lab = Lab::new();
    let Some(target) = lab.target.clone() else { return };
    lab.open().writer.close();
    let mut connection = Connection::Postgres(Box::new(Postgres::writer(&target, None, "").unwrap()));
    let words = ["it's", "'); DROP TABLE meta; --", r#"\' "a" \\"#, "{1,NULL}", "NULL", "", r"\x41", "$1 ?1\nü\t"];
    let sql = "INSERT INTO meta VALUES (?1, ?2)";
    for together in [false, true] {
        let mut transaction = connection.transaction().unwrap();
        for (word, number) in words.iter().zip(0..) {
            transaction.write(sql, (format!("{together} {number} {word}"), *word), false).unwrap();
            if !together {
                transaction.commit().unwrap();
                transaction = connection.transaction().unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    let kept =
        "SELECT name, value FROM meta WHERE name LIKE 'true %' OR name LIKE 'false %' ORDER BY name COLLATE \"C\"";
    let kept: Vec<(String, String)> = connection.query(kept, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let each = |together: bool| {
        words.iter().zip(0..).map(move |(word, n)| (format!("{together} {n} {word}"), (*word).to_owned()))
    };
    assert_eq!(kept, each(false).chain(each(true)).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_of_what_finds_no_row_to_change() {
    let lab = Lab::new();
    let Some(target) = lab.target.clone() else { return };
    lab.open().writer.close();
    let mut connection = Connection::Postgres(Box::new(Postgres::writer(&target, None, "").unwrap()));
    let put = "INSERT INTO meta VALUES (?1, 'x')";
    let transaction = connection.transaction().unwrap();
    transaction.write(put, ["lost"], false).unwrap();
    transaction.write("DELETE FROM worker WHERE id = ?1", ["none"], true).unwrap();
    let refused = transaction.commit().unwrap_err();
    assert!(matches!(&refused, StoreError::Broken { what } if what.contains("DELETE FROM worker")), "{refused:?}");
    // What is there already is the constraint's word.
    for _ in 0..2 {
        let transaction = connection.transaction().unwrap();
        transaction.write(put, ["kept"], false).unwrap();
        let Err(refused) = transaction.commit() else { continue };
        assert!(matches!(&refused, StoreError::Broken { what } if what.contains("meta_pkey")), "{refused:?}");
    }
    let names = connection.query("SELECT name FROM meta WHERE value = 'x'", (), |row| Ok(row.get::<_, String>(0)?));
    assert_eq!(names.unwrap(), ["kept"]);
}
