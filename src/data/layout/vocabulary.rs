//! The words of several languages that folders and label lists use for healthy parts, defects, masks and subsets.

use std::{collections::HashMap, sync::LazyLock};

use unicode_normalization::UnicodeNormalization;

/// What a word says about the images of a folder or of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Healthy parts.
    Healthy,
    /// Defective parts of no particular type, such as "NG".
    Defective,
    /// A type of defect, such as "scratch".
    DefectType,
    /// Masks or annotations.
    Mask,
    /// Training images.
    Train,
    /// Test images.
    Test,
    /// A word that may mean either, such as "positive".
    Either,
    /// Images that nobody has judged yet.
    Unjudged,
    /// Reverses the next word of a role.
    Not,
    /// Reverses the word before it, as in "defect free", or the next one, as in "free of defects".
    Free,
    /// Says nothing about roles: a container, a camera, a date, a position.
    Neutral,
}

/// Whole words.
const WORDS: [(Meaning, &str); 11] = [
    (
        Meaning::Healthy,
        "ok okay oks good goods pass passes passed io clean ordnung sane heil gut gute guten guter gutes gutteil \
         gutteile bon bons bonne bonnes bien sain sains saine saines buono buoni buona buone bueno buenos buena buenas \
         bom bons boa boas sano sani sana sane sanos sanas sao goed goede dobry dobre dobra dobri zgodny sprawny jo \
         iyi bra god gode hyva hyvat normal normale normales normali normalne normalen correct correcto correcta \
         correctos korrekt integro integra ок годен годные годный гуд норма норм хорошо хорошие целый исправный",
    ),
    (
        Meaning::Defective,
        "ng nok nio ko befund befunde bad bads fail fails failed failure failures reject rejects nc def defs err error errors \
         nogo scrap scraps fault faults schlecht schlechte schlechten malo malos mala malas mal ruim zle zly zla \
         wada wad wady brak braki vada vady rossz kotu dalig darlig huono брак плохо плохие нг",
    ),
    (
        Meaning::DefectType,
        "dent dents hole holes pit pits chip chips stain stains rust burr burrs bent spot spots pore pores crack \
         cracks bruch riss risse delle dellen beule beulen rost lunker grat smear smears discolouration discolourations discoloration \
         discolorations discoloured discolored verfarbung verfarbungen verfaerbung verfaerbungen decoloration decolorations \
         scolorimento scolorimenti decoloracion",
    ),
    (
        Meaning::Mask,
        "mask masks msk msks gt gts label labels lbl lbls seg segs segm annot annots anno annos truth maske masken \
         masque masques masquage mascara mascaras groundtruth segmap",
    ),
    (
        Meaning::Train,
        "train training trains trn trainset trainingset learn learning lernen anlernen lerndaten apprentissage \
         entrainement addestramento entrenamiento treino treinamento обучение",
    ),
    (
        Meaning::Test,
        "test tests testing tst testset val valid vali validation validate valset eval evaluation holdout pruefung prufung \
         prueba pruebas teste testes validierung validacion validazione validacao тест",
    ),
    (
        Meaning::Either,
        "positive positives pos negative negatives neg positiv negativ positif negatif positivo negativo true false \
         yes ja nein oui",
    ),
    (
        Meaning::Unjudged,
        "unknown unlabeled unlabelled unsorted unjudged unclear todo suspect suspects doubtful maybe borderline \
         unbekannt unsortiert ungeprueft ungepruft unklar inconnu sospetto dubbio quarantine",
    ),
    (
        Meaning::Not,
        "not no non n nicht kein keine keinen nie ne pas ni sin sem sans senza ohne without wo zonder geen niet ikke \
         inte ej ei nem bez uden utan uten ilman nao degil не без нет",
    ),
    (Meaning::Free, "free frei less los fri libre"),
    (
        Meaning::Neutral,
        "image images img imgs im pic pics picture pictures photo photos bild bilder foto fotos data dataset datasets \
         set sets raw rgb grey gray mono color colour colored jpg jpeg png bmp tif tiff pgm original originals orig \
         src source sources part parts teil teile bauteil bauteile piece pieces sample samples frame frames crop crops \
         patch patches tile tiles surface surfaces oberflaeche camera cameras cam cams kamera camara batch batches \
         charge chargen lot lots lote lotto serie series line linie ligne linea station machine maschine day days tag \
         week weeks woche kw cw month monat year jahr shift shifts schicht turno run runs session sessions scan scans \
         rep copy copies kopie kopien position left right top bottom front back side upper lower inner outer links \
         rechts oben unten vorne hinten innen aussen haut bas gauche droite morning evening night frueh spaet nacht \
         monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag \
         sonntag january february march april may june july august september october november december januar februar \
         maerz mai juni juli oktober dezember jan feb mar apr jun jul aug sep sept oct okt nov dec dez bright dark and \
         und of von de in with mit all the new old pack inspection detection classification",
    ),
];

/// Beginnings of words, of at least four letters.
const STEMS: [(Meaning, &str); 5] = [
    (
        Meaning::Healthy,
        "healthy accept flawless faultless perfect intact conform nominal passing approved aprobad aprovad \
         einwandfrei makellos tadellos bestanden gesund freigegeben akzept accettat valide \
         goedgekeurd godkand godkend godkjent prawidlow poprawn sprawn zgodn shodn vyhovuj saglam uygun kunnos ehja \
         годн исправн хорош нормал",
    ),
    (
        Meaning::Defective,
        "defect defekt defek defeit defaut difett difet faulty fault anomal abnormal anormal flaw reject damag broken \
         nonconform imperfect outlier ausschuss fehler schlecht mangel maengel beschadig beschaedig kaputt schaden \
         schlechtteil mauvais rebut scart rechaz rejeit reprov afgekeurd afkeur slecht kapot kassation kasser wadliw \
         uszkodz vadn spatn zmetk neshod hibas selejt hatal kusur felakt viallin virhe дефект брак плох негодн \
         неисправн повреж аномал",
    ),
    (
        Meaning::DefectType,
        "scratch crack dented pitting pitted blowhole contamin corros poros inclusion missing misplac deform uneven \
         chipped inhomog kratz verkratz zerkratz verbeul verbog gebroch zerbroch eingeriss gerissen abgeplatz rissig verschmutz verform fehlend rayure fissure eclat graffi rottur ammaccat rasgun \
         rayad fisur grieta roto arranh trinca kras barst rysa pekni skrab царап трещин вмятин",
    ),
    (
        Meaning::Mask,
        "mask groundtruth segmenta segmentie segmented annotat annotaz anotac annotier grundwahrheit maschera mascher etiquet etichet маск \
         разметк",
    ),
    (Meaning::Unjudged, "unsort unlabel unjudg ungeprue ungepruf"),
];

/// Words of scripts without spaces, found anywhere in a name; longer ones first.
const UNSPACED: [(Meaning, &str); 8] = [
    (
        Meaning::Defective,
        "不合格 不良品 不良 缺陷 异常 異常 瑕疵 次品 废品 廢品 报废 损坏 欠陥 欠陷 不可 불합격 불량품 불량 결함 이상 비정상",
    ),
    (Meaning::DefectType, "划痕 劃痕 裂纹 裂紋 划伤 刮痕 キズ 傷 打痕 クラック スクラッチ 스크래치 균열 찍힘"),
    (Meaning::Healthy, "合格品 合格 良品 正常 完好 优良 良好 양품 정상 합격 양호"),
    (Meaning::Mask, "掩码 掩膜 掩碼 遮罩 标注 標註 标签 マスク 正解 마스크 라벨"),
    (Meaning::Train, "训练 訓練 学習 학습"),
    (Meaning::Test, "测试 測試 验证 驗證 評価 検証 テスト 테스트 검증"),
    (Meaning::Unjudged, "未检 未知 未検査 미검사"),
    (Meaning::Neutral, "图像 图片 圖像 画像 이미지 相机 批次"),
];

/// Negations of scripts without spaces.
const UNSPACED_NOT: [char; 8] = ['不', '非', '无', '無', '未', '没', '沒', '비'];

/// Beginnings and endings that reverse the rest of a word.
const NOT_PREFIXES: [&str; 6] = ["nicht", "not", "non", "no", "un", "in"];
const FREE_SUFFIXES: [&str; 4] = ["free", "frei", "less", "los"];

static WHOLE: LazyLock<HashMap<String, Meaning>> = LazyLock::new(|| {
    let words = |(meaning, text): &(Meaning, &'static str)| {
        let meaning = *meaning;
        text.split_whitespace().map(move |word| (fold(word), meaning))
    };
    // In reverse: a word of two lists keeps the meaning of the first.
    WORDS.iter().rev().flat_map(words).collect()
});

static BEGINNINGS: LazyLock<Vec<(String, Meaning)>> = LazyLock::new(|| folded(&STEMS));

static WITHIN: LazyLock<Vec<(String, Meaning)>> = LazyLock::new(|| folded(&UNSPACED));

fn folded(table: &[(Meaning, &str)]) -> Vec<(String, Meaning)> {
    let words = |(meaning, text): &(Meaning, &str)| -> Vec<_> {
        text.split_whitespace().map(|word| (fold(word), *meaning)).collect()
    };
    let mut all: Vec<(String, Meaning)> = table.iter().flat_map(words).collect();
    all.sort_by_key(|(word, _)| std::cmp::Reverse(word.chars().count()));
    all
}

/// Reduces a text to lower case without accents, in one Unicode form.
pub(super) fn fold(text: &str) -> String {
    let bare = text.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    let mut folded = String::with_capacity(text.len());
    for c in bare.nfc().flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ı' => folded.push('i'),
            // A dotted capital I leaves a combining dot behind.
            '\u{307}' => {}
            c => folded.push(c),
        }
    }
    folded
}

/// Splits a name at separators, between letters and digits, and before a capital within a word; the words are folded.
pub(super) fn words(name: &str) -> Vec<String> {
    let (mut found, mut word, mut last) = (Vec::new(), String::new(), ' ');
    // Composed first, so that an accent does not end a word.
    for c in name.nfkc() {
        let breaks = c.is_ascii_digit() != last.is_ascii_digit() || (last.is_lowercase() && c.is_uppercase());
        if !word.is_empty() && (breaks || !c.is_alphanumeric()) {
            found.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.push(c);
        }
        last = c;
    }
    if !word.is_empty() {
        found.push(word);
    }
    // Single letters belong together: O.K., n. i. O.
    let mut joined: Vec<String> = Vec::new();
    let mut single = false;
    for word in found {
        let letter = word.chars().count() == 1 && word.chars().all(char::is_alphabetic) && word.is_ascii();
        match joined.last_mut() {
            Some(before) if single && letter => before.push_str(&word),
            _ => joined.push(word),
        }
        single = letter;
    }
    joined.iter().map(|word| fold(word)).collect()
}

/// Whether a word is a number.
pub(super) fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// Returns the meaning of a folded word.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    if is_number(word) {
        return None;
    }
    if let Some(whole) = WHOLE.get(word) {
        return Some(*whole);
    }
    for suffix in FREE_SUFFIXES {
        if let Some(rest) = word.strip_suffix(suffix)
            && rest.len() >= 3
            && let Some(inner) = known(rest)
            && is_defect(inner)
        {
            return Some(Meaning::Healthy);
        }
    }
    for prefix in NOT_PREFIXES {
        if let Some(rest) = word.strip_prefix(prefix)
            && rest.len() >= 2
            && let Some(inner) = known(rest)
            && let Some(reversed) = reversed(inner)
            // "nonconform" is listed; "info" and "unit" are no negations.
            && (rest.len() >= 4 || ["ok", "io", "bon"].contains(&rest))
        {
            return Some(reversed);
        }
    }
    known(word).or_else(|| unspaced(word))
}

fn known(word: &str) -> Option<Meaning> {
    let starts = || BEGINNINGS.iter().find(|(stem, _)| word.starts_with(stem.as_str())).map(|(_, meaning)| *meaning);
    WHOLE.get(word).copied().or_else(starts)
}

/// Returns the meaning of a word in a script without spaces; healthy and defective words together are either.
fn unspaced(word: &str) -> Option<Meaning> {
    if word.is_ascii() {
        return None;
    }
    let (mut rest, mut found) = (word.to_owned(), None);
    for (part, meaning) in WITHIN.iter() {
        while let Some(at) = rest.find(part.as_str()) {
            let negated = rest[..at].chars().next_back().is_some_and(|c| UNSPACED_NOT.contains(&c));
            let says = if negated { reversed(*meaning).unwrap_or(*meaning) } else { *meaning };
            found = Some(match found {
                None | Some(Meaning::Neutral) => says,
                Some(before) if before == says || says == Meaning::Neutral => before,
                // A mask of a defect is a mask.
                Some(Meaning::Mask) => Meaning::Mask,
                Some(_) if says == Meaning::Mask => Meaning::Mask,
                Some(before) if is_defect(before) && is_defect(says) => Meaning::Defective,
                Some(_) => Meaning::Either,
            });
            rest.replace_range(at..at + part.len(), " ");
        }
    }
    found
}

/// Whether a word is about defects.
pub(super) fn is_defect(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::Defective | Meaning::DefectType)
}

/// Returns the opposite of a word about healthy or defective parts.
pub(super) fn reversed(meaning: Meaning) -> Option<Meaning> {
    match meaning {
        Meaning::Healthy => Some(Meaning::Defective),
        Meaning::Defective | Meaning::DefectType => Some(Meaning::Healthy),
        _ => None,
    }
}
