//! Checks the database: the connection, its encryption, the schema, and that it isolates users.

use super::{Verdict, cluster};
use crate::{
    config::Config,
    error::Code,
    store::{self, Coverage, Db, DbConfig, Diagnosis, Encryption, Facts, MIGRATE_AS_OWNER, Target},
};

/// The oldest version with tests.
const MIN_VERSION: i32 = 140_000;
/// Maximum clock difference in milliseconds: tokens are checked with this clock, timestamps come from the database's.
const MAX_SKEW: i64 = 2_000;
/// Maximum round trip in milliseconds; each request has one.
const MAX_ROUND_TRIP: i64 = 20;
/// Connections of a server besides its pool: one for readiness, one for migrations.
const OTHER_CONNECTIONS: u32 = 2;

pub(super) async fn examine(config: &Config) -> Vec<Verdict> {
    let settings = &config.database;
    let Some(target) = &settings.database_url else {
        return vec![Verdict::skipped("database", "the embedded one needs no check")];
    };
    let serving = settings.pool(target.clone(), settings.database_pool_size);
    let (mut verdicts, is_there) = connection("DATABASE_URL", &serving, target).await;
    let migrating = settings.migrating(target);
    if let Some(target) = &settings.database_migration_url {
        verdicts.extend(connection("DATABASE_MIGRATION_URL", &migrating, target).await.0);
    }
    if is_there {
        verdicts.push(migrations(config, &migrating).await);
        verdicts.extend(cluster::examine(&serving).await);
        verdicts.extend(service(&serving).await);
    }
    verdicts
}

/// Checks a URL. Also returns whether a connection could be made.
async fn connection(name: &str, config: &DbConfig, target: &Target) -> (Vec<Verdict>, bool) {
    match store::diagnose(config).await {
        Ok(diagnosis) => (judge(name, config, target, &diagnosis), true),
        Err(error) => {
            let advice = "Check host, port, user, password and sslmode of that URL, and firewalls in between";
            (vec![Verdict::failure("database", format!("{name}: {}. {advice}", error.report()))], false)
        }
    }
}

fn judge(name: &str, config: &DbConfig, target: &Target, diagnosis: &Diagnosis) -> Vec<Verdict> {
    let Diagnosis { facts, clock_skew, round_trip } = diagnosis;
    let login = &facts.login;
    let mut verdicts = vec![distance(name, login, *round_trip), encryption(name, target, facts), version(facts)];
    verdicts.push(clock(*clock_skew));
    verdicts.push(capacity(config, facts));
    // The login for migrations owns the tables, so it has more privileges.
    if name == "DATABASE_URL" {
        verdicts.extend([privileges(facts), roles(facts), plans(facts)]);
    }
    verdicts
}

fn distance(name: &str, login: &str, round_trip: i64) -> Verdict {
    if round_trip > MAX_ROUND_TRIP {
        let advice = "Every request waits that long: move the server closer to its database";
        return Verdict::warning("database", format!("{name}: a round trip takes {round_trip} ms. {advice}"));
    }
    Verdict::ok("database", format!("{name}: connected as {login}, a round trip takes {round_trip} ms"))
}

fn encryption(name: &str, target: &Target, facts: &Facts) -> Verdict {
    let check = "TLS";
    match (target.encryption(), facts.is_encrypted) {
        (Encryption::Required, _) => Verdict::ok(check, format!("{name}: required, with verified certificates")),
        (Encryption::Local, _) => Verdict::ok(check, format!("{name}: the connection stays on this machine")),
        (Encryption::Preferred, Some(true)) => {
            Verdict::warning(check, format!("{name}: used, but not required. Add sslmode=require to the URL"))
        }
        (Encryption::Preferred | Encryption::Disabled, _) => {
            let advice = "Enable TLS in PostgreSQL, and add sslmode=require to the URL";
            Verdict::warning(check, format!("{name}: the connection is not encrypted. {advice}"))
        }
    }
}

fn version(facts: &Facts) -> Verdict {
    let Facts { version, version_number, .. } = facts;
    if *version_number < MIN_VERSION {
        return Verdict::failure("version", format!("PostgreSQL {version} is too old. Upgrade to 14 or newer"));
    }
    Verdict::ok("version", format!("PostgreSQL {version}"))
}

fn clock(skew: i64) -> Verdict {
    if skew.abs() > MAX_SKEW {
        let detail = format!("the database's clock is {skew} ms ahead of this machine's. Synchronize both with NTP");
        return Verdict::warning("clock", detail);
    }
    Verdict::ok("clock", format!("within {MAX_SKEW} ms of the database's"))
}

fn capacity(config: &DbConfig, facts: &Facts) -> Verdict {
    let needed = i64::from(config.pool_size + OTHER_CONNECTIONS);
    let max = i64::from(facts.max_connections);
    if needed > max {
        let advice = "Lower DATABASE_POOL_SIZE, raise max_connections, or put a pooler in front";
        return Verdict::failure(
            "connections",
            format!("{needed} are needed, but the database allows only {max}. {advice}"),
        );
    }
    let detail = format!("{needed} of the {max} that the database allows: enough for {} such servers", max / needed);
    Verdict::ok("connections", detail)
}

fn privileges(facts: &Facts) -> Verdict {
    let login = &facts.login;
    if facts.bypasses_rls {
        let detail = format!(
            "{login} bypasses row-level security. Requests don't, since they run as tandem_api. Still, set DATABASE_URL to \
             another login (GRANT tandem_api, tandem_feed, tandem_sweeper TO it), and DATABASE_MIGRATION_URL to this one"
        );
        return Verdict::warning("login", detail);
    }
    Verdict::ok("login", format!("{login} is subject to row-level security"))
}

fn roles(facts: &Facts) -> Verdict {
    let Facts { login, missing_roles, .. } = facts;
    if missing_roles.is_empty() {
        return Verdict::ok("roles", format!("{login} can become tandem_api, tandem_feed and tandem_sweeper"));
    }
    let roles = missing_roles.join(", ");
    let detail = format!(
        "{login} can't become {roles}. Run `tandem migrate` if they don't exist, then: GRANT {roles} TO {login}"
    );
    Verdict::failure("roles", detail)
}

fn plans(facts: &Facts) -> Verdict {
    let Facts { login, plan_cache_mode, .. } = facts;
    if plan_cache_mode == "force_generic_plan" {
        return Verdict::ok("plans", "statements are planned once per connection");
    }
    let detail = format!(
        "a pooler drops startup options, so pages of long lists are planned every time. Run ALTER ROLE {login} SET \
         plan_cache_mode = force_generic_plan, and likewise for enable_sort = off and jit = off"
    );
    Verdict::warning("plans", detail)
}

async fn migrations(config: &Config, migrating: &DbConfig) -> Verdict {
    let check = "migrations";
    match store::pending(migrating).await {
        Ok(Err(fault)) => Verdict::failure(check, fault),
        Ok(Ok(pending)) if pending.is_empty() => Verdict::ok(check, "all are applied"),
        Ok(Ok(pending)) if config.database.migrate_on_start => {
            Verdict::warning(check, format!("{} pending, which the server applies when it starts", pending.join(", ")))
        }
        Ok(Ok(pending)) => Verdict::failure(check, format!("{} pending. Run `tandem migrate`", pending.join(", "))),
        Err(error) if config.database.migrate_on_start => {
            Verdict::failure(check, format!("this login can't migrate ({}). {MIGRATE_AS_OWNER}", error.report()))
        }
        Err(error) => {
            let advice = "Run this with DATABASE_MIGRATION_URL set to the owner's login";
            Verdict::skipped(check, format!("this login can't see them ({}). {advice}", error.report()))
        }
    }
}

/// The checks that the server itself makes at startup.
async fn service(config: &DbConfig) -> Vec<Verdict> {
    let db = match Db::open(config).await {
        Ok(db) => db,
        Err(error) => return vec![Verdict::failure("database", error.report())],
    };
    let pooler = match db.check_pooler().await {
        Ok(()) => Verdict::ok("pooler", "none, or one that supports prepared statements"),
        Err(error) if error.code() == Code::ServiceUnavailable => {
            Verdict::skipped("pooler", format!("this can't be found out ({})", error.report()))
        }
        Err(error) => Verdict::failure("pooler", error.report()),
    };
    let isolation = match db.prove_isolation().await {
        Ok(Coverage::Whole) => Verdict::ok("isolation", "proved: users can't access each other's rows"),
        Ok(Coverage::Partial(away)) => {
            let away = away.join("; ");
            let advice = "Their users get 503 until they are back";
            Verdict::warning("isolation", format!("proved, except for nodes that don't respond: {away}. {advice}"))
        }
        Err(error) => Verdict::failure("isolation", error.report()),
    };
    vec![pooler, isolation]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distant_database_is_a_warning_and_a_near_one_is_not() {
        let near = distance("DATABASE_URL", "app", MAX_ROUND_TRIP);
        assert_eq!(near, Verdict::ok("database", "DATABASE_URL: connected as app, a round trip takes 20 ms"));
        let far = distance("DATABASE_URL", "app", MAX_ROUND_TRIP + 1).to_string();
        assert!(far.contains("warn") && far.contains("a round trip takes 21 ms"), "{far}");
    }
}
