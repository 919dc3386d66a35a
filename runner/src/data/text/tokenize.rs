//! Text as people write it to words as GloVe has them.

const CLITICS: [&str; 7] = ["n't", "'s", "'re", "'ve", "'ll", "'d", "'m"];

/// The words of a text, in lower case, much as the Stanford Sentiment Treebank has them: punctuation stands alone, and
/// what is appended with an apostrophe is a word of its own. Hyphens stay, and the dots of initials and numbers.
///
/// ```
/// use runner::data::text::tokenize;
///
/// assert_eq!(
///     tokenize("It isn't so-so: Spielberg's $1.5 million \u{201c}U.S.\u{201d} hit..."),
///     [
///         "it", "is", "n't", "so-so", ":", "spielberg", "'s", "$", "1.5", "million", "\"", "u.s.", "\"", "hit", "..."
///     ]
/// );
/// ```
pub fn tokenize(text: &str) -> Vec<String> {
    let straight = |c| match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        c => c,
    };
    let text: String = text.to_lowercase().chars().map(straight).collect();
    let text: Vec<char> = text
        .replace("''", "\"")
        .replace("``", "\"")
        .chars()
        .collect();
    let (mut words, mut rest) = (Vec::new(), &text[..]);
    while !rest.is_empty() {
        let (word, after) = rest.split_at(length(rest));
        rest = after;
        let word: String = match word {
            ['.', '.', ..] => "...".into(),
            ['-', '-', ..] => "--".into(),
            word => word.iter().collect(),
        };
        let clitic = CLITICS
            .iter()
            .find(|&&clitic| word.ends_with(clitic) && word != clitic);
        let (stem, clitic) = word.split_at(word.len() - clitic.map_or(0, |clitic| clitic.len()));
        let parts = [stem, clitic].into_iter();
        words.extend(
            parts
                .filter(|part| !part.trim().is_empty())
                .map(str::to_string),
        );
    }
    words
}

/// How many characters the word has that a text begins with; white space is a word too.
fn length(text: &[char]) -> usize {
    let char = |i: usize| text.get(i).copied().unwrap_or('\0');
    let mut end = 0;
    // Initials: u.s., j.r.r.
    while char(end).is_alphabetic() && char(end + 1) == '.' {
        end += 2;
    }
    if end >= 4 && !char(end).is_alphanumeric() {
        return end;
    }
    // What was cut off a word before.
    for clitic in CLITICS.iter().filter(|clitic| clitic.starts_with('\'')) {
        end = clitic.len();
        if clitic.chars().eq(text.iter().copied().take(end)) && !char(end).is_alphanumeric() {
            return end;
        }
    }
    end = 1;
    if !char(0).is_alphanumeric() {
        // A dash and an ellipsis are one word each.
        while matches!(char(0), '-' | '.') && char(end) == char(0) {
            end += 1;
        }
        return end;
    }
    loop {
        match (char(end), char(end + 1)) {
            (c, _) if c.is_alphanumeric() => end += 1,
            ('\'' | '-', next) if next.is_alphanumeric() => end += 2,
            ('.' | ',', next) if char(end - 1).is_numeric() && next.is_numeric() => end += 2,
            _ => return end,
        }
    }
}
