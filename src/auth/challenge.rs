//! `WWW-Authenticate` for unauthenticated requests (RFC 6750, section 3).

use axum::http::{HeaderMap, HeaderValue, header};

use crate::error::{Code, Error};

/// Adds the challenge to a response's headers if the error is `UNAUTHENTICATED`.
pub fn challenge(error: &Error, headers: &mut HeaderMap) {
    if error.code() != Code::Unauthenticated {
        return;
    }
    // If the token is missing, the RFC allows only the scheme.
    let value = if error.is_invalid_token() { invalid_token(error.message()) } else { None };
    headers.insert(header::WWW_AUTHENTICATE, value.unwrap_or(HeaderValue::from_static("Bearer")));
}

/// Whether a response says that the request's token was refused.
#[must_use]
pub fn is_token_refused(headers: &HeaderMap) -> bool {
    headers.get(header::WWW_AUTHENTICATE).is_some_and(|value| value.as_bytes().starts_with(INVALID_TOKEN.as_bytes()))
}

const INVALID_TOKEN: &str = r#"Bearer error="invalid_token""#;

fn invalid_token(message: &str) -> Option<HeaderValue> {
    // Only printable ASCII without quotes and backslashes is allowed.
    let allowed = |c| match c {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => c,
        _ => '?',
    };
    let description: String = message.chars().map(allowed).collect();
    HeaderValue::try_from(format!(r#"{INVALID_TOKEN}, error_description="{description}""#)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge_of(error: &Error) -> Option<String> {
        let mut headers = HeaderMap::new();
        challenge(error, &mut headers);
        headers.get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_challenge_names_the_failed_check_in_allowed_characters() {
        let error = Error::invalid_token("unknown key id \"a\\b\"\r\nX: ü");
        let expected = r#"Bearer error="invalid_token", error_description="Invalid token: unknown key id 'a/b'??X: ?""#;
        assert_eq!(challenge_of(&error).as_deref(), Some(expected));
    }

    #[test]
    fn without_a_token_the_challenge_is_only_the_scheme_and_other_errors_have_none() {
        assert_eq!(challenge_of(&Error::new(Code::Unauthenticated, "Not authenticated")).as_deref(), Some("Bearer"));
        assert_eq!(challenge_of(&Error::task_not_found()), None);
    }
}
