//! How well a name matches what is searched for: exact words before beginnings of words before scattered letters.

/// How well something matches; the greater, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Match {
    kind: MatchKind,
    /// Among equal kinds: how close the letters lie together.
    closeness: i32,
}

/// The kinds of matches, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MatchKind {
    /// The letters occur in this order in a keyword, or in the title.
    LettersOfKeyword,
    LettersOfTitle,
    /// The text occurs somewhere in the title.
    PartOfTitle,
    /// Every word begins a word of title or keywords.
    Beginnings,
    /// Every word is a word of title or keywords.
    Words,
    /// Every word begins a word of the title, or is one.
    BeginningsInTitle,
    WordsOfTitle,
    /// The title begins with the text, or is the text.
    BeginningOfTitle,
    Title,
}

impl Match {
    /// Whether whole words or their beginnings match, rather than scattered letters.
    pub(super) fn is_close(self) -> bool {
        self.kind >= MatchKind::PartOfTitle
    }
}

/// Compares what is searched for with a title and keywords; `None` if they do not match.
pub(super) fn rank(query: &str, title: &str, keywords: &str) -> Option<Match> {
    let (query, title) = (query.trim().to_lowercase(), title.to_lowercase());
    let title = title.trim_end_matches('…');
    let closeness = fuzzy(&query, title);
    let kind = match kind(&query, title, &keywords.to_lowercase()) {
        Some(kind) => kind,
        None if closeness.is_some() => MatchKind::LettersOfTitle,
        None => {
            let keyword = |word: &str| keywords.split(' ').filter_map(|k| fuzzy(word, k)).max();
            let sum: Option<i32> = query.split_whitespace().map(keyword).sum();
            return Some(Match { kind: MatchKind::LettersOfKeyword, closeness: sum? });
        }
    };
    Some(Match { kind, closeness: closeness.unwrap_or_default() })
}

/// Returns the kind of match by whole words and their beginnings; all texts are in lower case.
fn kind(query: &str, title: &str, keywords: &str) -> Option<MatchKind> {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let (asked, titled) = (words(query), words(title));
    if asked.is_empty() {
        return None;
    }
    let all: Vec<String> = titled.iter().cloned().chain(words(keywords)).collect();
    let are = |of: &[String]| asked.iter().all(|word| of.contains(word));
    let begin = |of: &[String]| asked.iter().all(|word| of.iter().any(|own| own.starts_with(word.as_str())));
    let kinds = [
        (asked == titled, MatchKind::Title),
        (title.starts_with(query), MatchKind::BeginningOfTitle),
        (are(&titled), MatchKind::WordsOfTitle),
        (begin(&titled), MatchKind::BeginningsInTitle),
        (are(&all), MatchKind::Words),
        (begin(&all), MatchKind::Beginnings),
        (title.contains(query), MatchKind::PartOfTitle),
    ];
    kinds.into_iter().find(|(holds, _)| *holds).map(|(_, kind)| kind)
}

/// Scores `text` by the letters of `query` in order: consecutive letters and starts of words score higher, long texts
/// lower. `None` if a letter is missing.
fn fuzzy(query: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut total, mut from, mut last) = (0, 0, None);
    for letter in query.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let start_of_word = |i: usize| i == 0 || text.get(i - 1).is_some_and(|c| !c.is_alphanumeric());
        let rest = || (from..text.len()).filter(|i| text.get(*i) == Some(&letter));
        let next = rest().find(|i| last.is_some_and(|l| l + 1 == *i) || start_of_word(*i)).or_else(|| rest().next())?;
        total += if last.is_some_and(|l: usize| l + 1 == next) { 8 } else { 0 };
        total += if start_of_word(next) { 6 } else { 1 };
        last = Some(next);
        from = next + 1;
    }
    Some(total * 4 - text.len() as i32 / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_words_come_before_beginnings_and_those_before_scattered_letters() {
        // From the best to the worst.
        let order = [
            ("theme", ""),
            ("theme of the window", ""),
            ("window theme", ""),
            ("window themes", ""),
            ("dark or light", "theme colour"),
            ("dark or light", "themes colour"),
            ("anthemes", ""),
            ("save the model", ""),
            ("model", "t-h-e-m-e"),
        ];
        let ranks: Vec<Option<Match>> = order.iter().map(|(title, words)| rank("theme", title, words)).collect();
        for (pair, names) in ranks.windows(2).zip(order.windows(2)) {
            assert!(pair[0] > pair[1], "{names:?}: {pair:?}");
        }
        assert_eq!(rank("theme", "zoom in", "larger"), None);
        assert!(rank("THEME ", "Dark or light", "theme").is_some_and(Match::is_close));
        assert!(!rank("theme", "Save the model…", "").unwrap().is_close());
        assert!(rank("open model", "Open a model…", "") > rank("open model", "Open a folder", "model"));
    }
}
