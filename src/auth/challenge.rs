//! What a client that is not let in is told in `WWW-Authenticate` (RFC 6750, section 3), by both doors.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::error::{Code, Error};

/// Adds the challenge to the headers of the answer, if that is what the error calls for.
pub fn challenge(error: &Error, headers: &mut HeaderMap) {
    if error.code() != Code::Unauthenticated {
        return;
    }
    // Whoever sent no token is told just the scheme, as the RFC has it.
    let value = if error.is_about_token() { invalid_token(error.message()) } else { None };
    headers.insert(header::WWW_AUTHENTICATE, value.unwrap_or(HeaderValue::from_static("Bearer")));
}

fn invalid_token(message: &str) -> Option<HeaderValue> {
    let description: String = message.chars().map(allowed).collect();
    HeaderValue::try_from(format!(r#"Bearer error="invalid_token", error_description="{description}""#)).ok()
}

/// The characters an `error_description` may have are printable ASCII without quotes and backslashes.
fn allowed(c: char) -> char {
    match c {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => c,
        _ => '?',
    }
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
    fn it_names_the_check_that_failed_in_characters_that_are_allowed() {
        let error = Error::invalid_token("unknown key id \"a\\b\"\r\nX: ü");
        let expected = r#"Bearer error="invalid_token", error_description="Invalid token: unknown key id 'a/b'??X: ?""#;
        assert_eq!(challenge_of(&error).as_deref(), Some(expected));
    }

    #[test]
    fn without_a_token_it_is_just_the_scheme_and_other_errors_have_none() {
        assert_eq!(challenge_of(&Error::new(Code::Unauthenticated, "Not authenticated")).as_deref(), Some("Bearer"));
        assert_eq!(challenge_of(&Error::task_not_found()), None);
    }
}
