//! Settings as users of the binary meet them: which values are refused, and with what errors.

use std::fs;

use crate::support::{
    SECRET,
    cluster::scratch_dir,
    command::{output, stderr},
};

/// The errors of `tandem token` with these settings. It reads all of them and needs neither a database nor a network.
fn told(env: &[(&str, &str)]) -> String {
    let secret = ("BETTER_AUTH_SECRET", SECRET);
    let env: Vec<_> = std::iter::once(secret).chain(env.iter().copied()).collect();
    stderr(&output(&scratch_dir(), &["token", "--user", "ann"], &env))
}

#[test]
fn zero_and_absurdly_long_durations_are_refused() {
    let mut wrong = Vec::new();
    for name in [
        "CHECKOUT_TIMEOUT",
        "STATEMENT_TIMEOUT",
        "REQUEST_TIMEOUT",
        "SHUTDOWN_TIMEOUT",
        "GRAPHQL_TIMEOUT",
        "JWKS_REFRESH",
    ] {
        for value in ["0s", "1year", "-1s", "soon", "10"] {
            let text = told(&[(name, value)]);
            if !text.contains(&format!("{name}: must be a duration from ")) || !text.contains(value) {
                wrong.push(format!("{name}={value}: {text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(told(&[("JWT_LEEWAY", "0s"), ("CHECKOUT_TIMEOUT", "1ms"), ("STATEMENT_TIMEOUT", "1h")]), "");
    assert!(told(&[("JWT_LEEWAY", "1h")]).contains("JWT_LEEWAY: must be a duration from 0s to 10m"));
}

#[test]
fn a_token_cannot_be_made_to_last_for_no_time_or_forever() {
    for ttl in ["0s", "100years"] {
        let refused = output(&scratch_dir(), &["token", "--user", "ann", "--ttl", ttl], &[]);
        assert!(stderr(&refused).contains("must be a duration from 1s to"), "{ttl}: {}", stderr(&refused));
    }
}

#[test]
fn a_short_secret_is_refused_unless_it_has_to_be_kept() {
    let short = "a".repeat(31);
    for (name, value) in
        [("BETTER_AUTH_SECRET", short.clone()), ("BETTER_AUTH_SECRETS", format!("2:{SECRET},1:{short}"))]
    {
        let text = told(&[(name, &value)]);
        assert!(text.contains(name) && text.contains("at least 32 bytes"), "{text}");
        assert!(text.contains("openssl rand -base64 32"), "the message says how to make one: {text}");
        assert_eq!(told(&[(name, &value), ("ALLOW_SHORT_SECRETS", "true")]), "");
    }
    let tiny = told(&[("BETTER_AUTH_SECRET", "fifteen bytes.."), ("ALLOW_SHORT_SECRETS", "true")]);
    assert!(tiny.contains("at least 16 bytes"), "{tiny}");
    assert_eq!(told(&[("BETTER_AUTH_SECRET", &"a".repeat(32))]), "");
}

#[test]
fn an_email_address_is_not_a_user_id() {
    for names in ["email", "sub,email", "Email", "sub, e-mail", "email_address"] {
        let text = told(&[("JWT_USER_ID_CLAIMS", names)]);
        assert!(text.contains("JWT_USER_ID_CLAIMS: ") && text.contains("changes hands"), "{names}: {text}");
    }
    assert!(told(&[("JWT_USER_ID_CLAIMS", " , ")]).contains("JWT_USER_ID_CLAIMS: must name"));
    assert_eq!(told(&[("JWT_USER_ID_CLAIMS", "uid, sub,")]), "");
}

#[test]
fn keys_come_over_plain_http_only_from_private_networks_and_only_if_that_is_allowed() {
    let allowed = ("JWKS_ALLOW_HTTP", "true");
    for (name, url) in [
        ("BETTER_AUTH_URL", "http://auth:3000"),
        ("JWKS_URL", "http://auth:3000/api/auth/jwks"),
        ("JWKS_URL", "http://10.1.2.3/jwks"),
        ("JWKS_URL", "http://[fd00::1]/jwks"),
        ("JWKS_URL", "http://auth.default.svc.cluster.local/jwks"),
        ("JWKS_URL", "http://host.docker.internal:3000/jwks"),
    ] {
        let text = told(&[(name, url)]);
        assert!(text.contains(&format!("{name}: ")) && text.contains("JWKS_ALLOW_HTTP=true"), "{url}: {text}");
        assert_eq!(told(&[(name, url), allowed]), "", "{url}");
    }
    for url in ["http://issuer.example/jwks", "http://8.8.8.8/jwks", "http://[2606:4700::1]/jwks"] {
        let text = told(&[("JWKS_URL", url), allowed]);
        assert!(text.contains("JWKS_URL: must start with https://"), "{url}: {text}");
    }
    assert_eq!(told(&[("JWKS_URL", "http://localhost:3000/jwks")]), "");
}

#[test]
fn every_invalid_value_is_reported_whether_it_is_a_flag_or_a_variable() {
    let env = [("BETTER_AUTH_SECRET", "short"), ("REQUEST_TIMEOUT", "soon"), ("JWKS_URL", "http://auth/jwks")];
    let args = ["--port", "eighty", "token", "--user", "ann", "--log-format=xml", "--graphql-max-nesting", "65"];
    let text = stderr(&output(&scratch_dir(), &args, &env));
    for fault in [
        "BETTER_AUTH_SECRET: a secret must have at least 32 bytes",
        "REQUEST_TIMEOUT: must be a duration from 1ms to 1h, like 500ms, 10s or 2m, got `soon`",
        "JWKS_URL: ",
        "PORT: must be a number from 0 to 65535, got `eighty`",
        "LOG_FORMAT: must be auto, pretty or json, got `xml`",
        "GRAPHQL_MAX_NESTING: must be a number from 1 to 64, got `65`",
    ] {
        assert!(text.contains(fault), "{fault} in {text}");
    }
}

#[test]
fn a_secret_is_read_from_the_file_that_its_variable_names_unless_a_flag_gives_it() {
    let dir = scratch_dir();
    fs::write(dir.join("secret"), format!("{SECRET}\r\n")).unwrap();
    let file = ("BETTER_AUTH_SECRET_FILE", "secret");
    let token = output(&dir, &["token", "--user", "ann"], &[file]).stdout;
    let token = String::from_utf8(token).unwrap();
    let check = ["check", "--token", token.trim()];
    let is_accepted = |args: &[&str], env: &[(&str, &str)]| output(&dir, args, env).status.success();
    assert!(is_accepted(&check, &[("BETTER_AUTH_SECRET", SECRET)]));
    let other = ["--better-auth-secret", "another secret of at least 32 bytes", check[0], check[1], check[2]];
    assert!(is_accepted(&check, &[file]) && !is_accepted(&other, &[file]));
}

#[test]
fn unreadable_files_of_secrets_are_reported_with_all_other_errors() {
    let dir = scratch_dir();
    fs::write(dir.join("empty"), "\n").unwrap();
    fs::write(dir.join("wrong"), "mysql://app:hunter2@db.example.com/tandem").unwrap();
    fs::write(dir.join("binary"), b"\xff").unwrap();
    for (name, file, fault) in [
        ("DATABASE_URL", "nowhere", "can't read nowhere: No such file"),
        ("DATABASE_URL", "wrong", "must start with postgres://"),
        ("DATABASE_URL", "empty", "empty is empty"),
        ("DATABASE_URL", ".", "can't read .: "),
        ("BETTER_AUTH_SECRET", "binary", "can't read binary: "),
        ("BETTER_AUTH_SECRET", "wrong", "BETTER_AUTH_SECRET is set as well"),
    ] {
        let variable = format!("{name}_FILE");
        let env = [("PORT", "eighty"), ("BETTER_AUTH_SECRET", SECRET), (&variable, file)];
        let unset = usize::from(fault.contains("can't read binary"));
        let env: Vec<_> = env.into_iter().filter(|(name, _)| unset == 0 || *name != "BETTER_AUTH_SECRET").collect();
        let text = stderr(&output(&dir, &["token", "--user", "ann"], &env));
        assert!(text.contains(&format!("{variable}: {fault}")), "{variable}={file}: {text}");
        assert!(text.contains("PORT: ") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_server_that_accepts_any_token_of_its_secret_says_so_when_it_starts() {
    let warning = "every token signed with the shared secret is accepted";
    let env =
        [("DATABASE_URL", "postgres://127.0.0.1:1/none"), ("BETTER_AUTH_SECRET", SECRET), ("START_TIMEOUT", "1ms")];
    let log = stderr(&output(&scratch_dir(), &[], &env));
    assert!(log.contains(warning) && log.contains("set JWT_ISSUER or JWT_AUDIENCE"), "{log}");
    for claim in [("JWT_ISSUER", "https://a.example"), ("JWT_AUDIENCE", "api")] {
        let env: Vec<_> = env.into_iter().chain([claim]).collect();
        let log = stderr(&output(&scratch_dir(), &[], &env));
        assert!(!log.contains(warning), "{log}");
    }
}

#[test]
fn the_settings_page_is_what_clap_knows() {
    let page = include_str!("../../../docs/CONFIGURATION.md");
    assert!(page == tandem::cli::reference(), "refresh it: cargo run -q -- settings > docs/CONFIGURATION.md");
}

#[test]
fn the_default_is_development_mode_on_this_machine_only() {
    let config = tandem::config::Config::default();
    assert!(config.is_development() && config.has_graphiql() && config.has_app() && config.server.host.is_loopback());
}
