//! What has to be known of a URL.

use std::net::IpAddr;

use ureq::http::Uri;

/// Checks the URL of a folder: `http` or `https`, a host, a port or none, and nothing after the path.
///
/// # Errors
///
/// What is expected, for people.
///
/// ```
/// use runner::fetch::base_url;
///
/// assert_eq!(base_url("http://localhost:8000/mnist").as_deref(), Ok("http://localhost:8000/mnist"));
/// assert!(base_url("ftp://localhost").is_err());
/// ```
pub fn base_url(text: &str) -> Result<String, String> {
    let sound = text.parse().is_ok_and(|uri: Uri| {
        let host = uri.host().unwrap_or_default();
        // What cannot be a port is taken for none.
        let place = uri.authority().map_or("", |authority| authority.as_str());
        matches!(uri.scheme_str(), Some("http" | "https"))
            && !host.is_empty()
            && (uri.port_u16().is_some() || place.ends_with(host))
            && !text.contains(['?', '#'])
    });
    match sound {
        true => Ok(text.into()),
        false => Err("the URL of a folder is expected, such as http://localhost:8000/mnist".into()),
    }
}

/// Whether a server is on this machine.
pub(super) fn is_local(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_folder_is_told_from_others() {
        for good in [
            "http://a",
            "https://a/",
            "http://a:80/b/c",
            "http://[::1]:8000/x",
            "http://u:p@a/",
        ] {
            assert_eq!(base_url(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "a",
            "a/b",
            "/a",
            "//a/b",
            "ftp://a",
            "file:///a",
            "http:",
            "http://",
            "http:///a",
            "http://:80/",
            "http://a b/",
            "http://a/b c",
            "http://a:99999/",
            "http://a:x/",
            "http://a:/",
            "http://[::1/",
            "http://a/?b",
            "http://a/#b",
            "http://a\u{1b}/",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_has_several_names() {
        for here in [
            "http://localhost",
            "https://127.0.0.1:8000/a",
            "http://[::1]:80/",
        ] {
            assert!(is_local(here), "{here}");
        }
        for elsewhere in [
            "http://example.org/localhost",
            "http://127.0.0.1.example.org",
            "http://10.0.0.1",
            "",
        ] {
            assert!(!is_local(elsewhere), "{elsewhere}");
        }
    }
}
