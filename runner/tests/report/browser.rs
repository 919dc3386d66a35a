//! The pages in a browser, where there is one.

use std::io::Write as _;
use std::process::Command;

use super::program::Folder;
use super::report;

/// Chromium under one of the names that it is installed by.
fn chromium() -> Option<&'static str> {
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let starts = |name: &&str| {
        let version = Command::new(name).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    };
    names.into_iter().find(starts)
}

/// The page as the browser understands it, and what it complains of.
fn open(browser: &str, folder: &Folder) -> (String, String) {
    let profile = folder.file("profile");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .args(["--enable-logging=stderr", "--log-level=0"])
        .arg(format!("--user-data-dir={profile}"))
        .arg(format!("file://{}", folder.file("page.html")))
        .output()
        .expect("the browser starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints = said.lines().filter(|line| line.contains("CONSOLE"));
    (
        String::from_utf8(output.stdout).expect("UTF-8"),
        complaints.collect::<Vec<_>>().join("\n"),
    )
}

#[test]
fn a_browser_shows_every_part_and_complains_of_nothing() {
    let Some(browser) = chromium() else {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED a_browser_shows_every_part_and_complains_of_nothing: Chromium is not installed (apt-get install \
             chromium)"
        );
        return;
    };
    let folder = Folder::new("report-browser");
    report(&folder, "circle --points 20 --epochs 20");
    let (page, complaints) = open(browser, &folder);
    assert_eq!(complaints, "");
    assert_eq!(page.matches("<g class=\"point\">").count(), 20);
    for part in [
        "id=\"loss\"",
        "id=\"accuracy\"",
        "class=\"border\"",
        "--epochs 20",
        "</html>",
    ] {
        assert!(page.contains(part), "{part}");
    }

    report(
        &folder,
        "mnist --train 100 --valid 60 --epochs 1 --checkpoint net",
    );
    let (page, complaints) = open(browser, &folder);
    assert_eq!(complaints, "");
    assert_eq!(page.matches("<td class=\"cell ").count(), 100);
    for part in [
        "id=\"loss\"",
        "id=\"mistakes\"",
        "id=\"filters\"",
        "id=\"maps\"",
        "--train 100",
    ] {
        assert!(page.contains(part), "{part}");
    }

    // The browser does complain of what its policy forbids, so nothing of that kind is there.
    let text = std::fs::read_to_string(folder.file("page.html")).expect("the page");
    let foreign = text.replace("</main>", "<img src=\"file:///nothing.png\"/></main>");
    std::fs::write(folder.file("page.html"), foreign).expect("the page");
    let (_, complaints) = open(browser, &folder);
    assert!(
        complaints.contains("Content Security Policy"),
        "{complaints}"
    );
}
