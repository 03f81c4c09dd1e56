//! Finds the columns of a label list: the image, its mask, and what says whether the part is healthy.

use super::{
    super::{Label, Subset, decode::is_named_like_an_image},
    image_names::ImageNames,
    name::{NamedRole, role_of},
    table::TableRow,
    vocabulary::{Meaning, fold, meaning, words},
};
use crate::text::printable;

/// A fault of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineFault {
    pub(super) line: u64,
    pub(super) detail: String,
}

/// The columns of a list.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// The names of the columns; empty without a header.
    header: Vec<String>,
    image: usize,
    mask: Option<usize>,
    label: usize,
    reading: LabelReading,
    kind: Option<usize>,
    subset: Option<usize>,
    /// Index of the first row of data.
    pub(super) first: usize,
    /// How labels were understood, if that is worth saying.
    pub(super) note: Option<String>,
}

/// How the values of the label column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LabelReading {
    /// Whether 1, true and yes mean defective; `None` if the name of the column does not say.
    one_is_defective: Option<bool>,
    /// Whether unknown words are types of defects.
    words_are_types: bool,
    /// Whether numbers above 1 are classes of defects.
    classes: bool,
}

/// The value of a cell of a label column.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Healthy,
    Defective,
    Truth(bool),
    Number(i64),
    Empty,
    Word(String),
}

/// The format of older versions: a missing column is named.
const PLAIN: [&str; 2] = ["image_filepath", "is_defective"];

/// Words for the column of the image, and of the label.
const IMAGE_WORDS: &str = "image images img file files filename filepath path name picture photo bild bilder bilddatei \
    datei dateiname pfad foto fichier chemin archivo imagen ruta nome immagine percorso arquivo imagem caminho bestand \
    plik obraz 文件 文件名 图像 图片 画像 ファイル 파일 이미지 файл изображение";
const LABEL_WORDS: &str = "label labels class status result results verdict target y category judgement judgment \
    decision quality state outcome grade ergebnis urteil befund qualitat qualitaet bewertung klasse klassifikation \
    resultat classe etat esito risultato stato resultado estado clase calidad qualidade resultaat ocena wynik stan \
    prufung pruefung prufergebnis pruefergebnis beurteilung entscheid entscheidung 结果 判定 标签 類別 类别 结论 結果 判定結果 \
    ラベル 결과 판정 라벨 результат статус класс";
const TYPE_WORDS: &str = "type types kind art typ code category kategorie klasse class name tipo genre";
const NUMBER_WORDS: &str = "score scores prob probability confidence count counts area size number num id index date \
    time width height x y length position fraction share percent";
const SUBSET_WORDS: &str = "split subset set phase partition usage teilmenge aufteilung";
const TRUE_WORDS: &str =
    "true yes y wahr ja vrai oui vero si verdadero verdadeiro sim prawda tak waar sant истина да 是 真";
const FALSE_WORDS: &str = "false no n falsch nein faux non falso nao falsz nie onwaar nee falskt nej ложь нет 否 假";

fn is_one_of(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| fold(known) == word)
}

fn any_of(list: &str, words: &[String]) -> bool {
    words.iter().any(|word| is_one_of(list, word))
}

/// Whether a table names images at all: a column of image files, with their extension or without, or a header of this
/// program's lists.
pub(super) fn names_images(rows: &[TableRow], images: &ImageNames) -> bool {
    let plain = |row: &TableRow| row.cells.iter().any(|cell| PLAIN.contains(&fold(cell).as_str()));
    let names = |column| is_path_column(rows, column) || images.are_in_column(rows, column);
    rows.first().is_some_and(plain) || (0..width(rows)).any(names)
}

fn width(rows: &[TableRow]) -> usize {
    rows.iter().map(|row| row.cells.len()).max().unwrap_or(0)
}

fn is_path(cell: &str) -> bool {
    is_named_like_an_image(std::path::Path::new(&cell.replace('\\', "/")))
}

/// Whether most filled cells of a column, the first row aside, are image files.
fn is_path_column(rows: &[TableRow], column: usize) -> bool {
    let filled = || rows.iter().filter_map(|row| row.cells.get(column)).filter(|cell| !cell.is_empty());
    let paths = filled().filter(|cell| is_path(cell)).count();
    paths > 0 && paths * 2 >= filled().skip(1).count()
}

impl Columns {
    /// Finds the columns of a table about these images.
    pub(super) fn of(rows: &[TableRow], images: &ImageNames) -> Result<Self, LineFault> {
        let Some(head) = rows.first() else {
            return Err(LineFault { line: 1, detail: "the list is empty".to_owned() });
        };
        let fault = |detail: String| LineFault { line: head.line, detail };
        let by_name = |column: &usize| images.are_in_column(rows, *column);
        let bare = (0..width(rows)).find(by_name).filter(|_| !(0..width(rows)).any(|c| is_path_column(rows, c)));
        let is_name = |column: usize| head.cells.get(column).is_some_and(|cell| images.only(cell).is_some());
        let has_header = !head.cells.iter().any(|cell| is_path(cell)) && !bare.is_some_and(is_name);
        let header: Vec<String> = if has_header { head.cells.clone() } else { Vec::new() };
        let first = usize::from(has_header);
        let data = &rows[first..];
        if data.is_empty() {
            return Err(fault("the list has a header and no images".to_owned()));
        }
        let width = if has_header { header.len() } else { width(rows) };
        let named = |column: usize| header.get(column).map(|name| words(name)).unwrap_or_default();
        let (image, mask) = match bare {
            Some(column) => (column, None),
            None => path_columns(data, width, &named).map_err(&fault)?,
        };
        let others: Vec<usize> = (0..width).filter(|column| *column != image && Some(*column) != mask).collect();
        let kind = others.iter().copied().find(|&column| is_type_name(&named(column)));
        let subset = others.iter().copied().find(|&column| is_subset_column(data, column, &named(column)));
        let free: Vec<usize> = others.iter().copied().filter(|c| Some(*c) != kind && Some(*c) != subset).collect();
        let (label, reading) = match label_column(data, &free, &header) {
            // A list of types alone, with an empty cell or a word for healthy parts.
            Err(_) if kind.is_some_and(|kind| says_healthy(data, kind)) => {
                let reading = LabelReading { one_is_defective: Some(true), words_are_types: true, classes: false };
                (kind.unwrap_or_default(), reading)
            }
            other => other.map_err(&fault)?,
        };
        let mut columns = Self { header, image, mask, label, reading, kind, subset, first, note: None };
        columns.note = columns.note_of(data);
        Ok(columns)
    }

    fn name(&self, column: usize) -> String {
        column_name(&self.header, column)
    }

    /// Says how numbers without a telling name were read.
    fn note_of(&self, data: &[TableRow]) -> Option<String> {
        let numbers =
            || data.iter().any(|row| matches!(row.cells.get(self.label).map(|c| value(c)), Some(Value::Number(_))));
        if self.reading.one_is_defective.is_none() && numbers() {
            let rest = if self.reading.classes { "other numbers" } else { "1" };
            return Some(format!("in {}, 0 is read as healthy and {rest} as defective", self.name(self.label)));
        }
        None
    }

    /// The file of a row's image.
    pub(super) fn image<'a>(&self, row: &'a TableRow) -> Result<&'a str, LineFault> {
        let fault = |detail: String| Err(LineFault { line: row.line, detail });
        let needed = self.image.max(self.label);
        if row.cells.len() <= needed {
            let expected = if self.header.is_empty() { needed + 1 } else { self.header.len() };
            return fault(format!("it has {} fields and the header has {expected}", row.cells.len()));
        }
        if !self.header.is_empty() && row.cells.iter().skip(self.header.len()).any(|cell| !cell.is_empty()) {
            return fault(format!("it has {} fields and the header has {}", row.cells.len(), self.header.len()));
        }
        match row.cells.get(self.image).map(String::as_str) {
            None | Some("") => fault(format!(
                "{} is empty: enter the path of the image, relative to the CSV file",
                self.name(self.image)
            )),
            Some(path) => Ok(path),
        }
    }

    /// The file of a row's mask.
    pub(super) fn mask<'a>(&self, row: &'a TableRow) -> Option<&'a str> {
        row.cells.get(self.mask?).map(String::as_str).filter(|cell| is_path(cell))
    }

    /// The subset of a row.
    pub(super) fn subset(&self, row: &TableRow) -> Subset {
        self.subset.and_then(|column| subset_of(row.cells.get(column)?)).unwrap_or(Subset::Any)
    }

    /// The label of a row.
    pub(super) fn label(&self, row: &TableRow) -> Result<Label, LineFault> {
        let cell = row.cells.get(self.label).map(String::as_str).unwrap_or_default();
        let kind = self.kind.and_then(|column| row.cells.get(column)).filter(|cell| is_type(cell));
        let defective = |own: &str| {
            let named = kind.cloned().or_else(|| (!own.is_empty()).then(|| own.to_owned()));
            Label::Defective(named.unwrap_or_else(|| "defect".to_owned()))
        };
        let truth = |truth: bool, one_is_defective: bool| {
            if truth == one_is_defective { defective("") } else { Label::Healthy }
        };
        let reading = self.reading;
        let known = match value(cell) {
            Value::Healthy => Some(Label::Healthy),
            Value::Defective if is_generic(cell) => Some(defective("")),
            Value::Defective => Some(defective(cell)),
            Value::Truth(value) => reading.one_is_defective.map(|one| truth(value, one)),
            Value::Number(n @ (0 | 1)) => Some(truth(n == 1, reading.one_is_defective.unwrap_or(true))),
            Value::Number(n) if n > 1 && reading.classes => Some(defective(&format!("class {n}"))),
            Value::Number(_) => None,
            // Only the type of defect may be empty.
            Value::Empty if self.kind == Some(self.label) => Some(Label::Healthy),
            Value::Empty => None,
            Value::Word(word) if self.kind == Some(self.label) && !is_type(&word) => Some(Label::Healthy),
            Value::Word(word) => reading.words_are_types.then(|| defective(&word)),
        };
        known.ok_or_else(|| LineFault {
            line: row.line,
            detail: match cell {
                "" => format!("{} is empty: enter 0 for a healthy and 1 for a defective part", self.name(self.label)),
                cell => format!(
                    "{} is `{}`: enter 0, 1, true or false, or a word such as good or bad",
                    self.name(self.label),
                    printable(cell)
                ),
            },
        })
    }
}

/// The name of a column, or its number.
fn column_name(header: &[String], column: usize) -> String {
    match header.get(column).filter(|name| !name.is_empty()) {
        Some(name) => printable(name).into_owned(),
        None => format!("column {}", column + 1),
    }
}

/// Finds the columns of the image and of its mask.
fn path_columns(
    data: &[TableRow],
    width: usize,
    named: &dyn Fn(usize) -> Vec<String>,
) -> Result<(usize, Option<usize>), String> {
    let mut paths: Vec<usize> = (0..width).filter(|&column| is_path_column(data, column)).collect();
    if paths.is_empty() {
        // Names without an extension, in a column that is named so.
        paths = (0..width)
            .filter(|&column| any_of(IMAGE_WORDS, &named(column)) && !is_mask_name(&named(column)))
            .take(1)
            .collect();
    }
    let is_mask = |column: usize| {
        let names_masks = || {
            let cells = || data.iter().filter_map(|row| row.cells.get(column)).filter(|cell| !cell.is_empty());
            let masks = cells().filter(|cell| role_of(&words(cell)) == Some(NamedRole::Masks)).count();
            masks * 2 > cells().count()
        };
        is_mask_name(&named(column)) || named(column).is_empty() && names_masks()
    };
    let filled =
        |column: usize| data.iter().filter(|row| row.cells.get(column).is_some_and(|cell| !cell.is_empty())).count();
    let (masks, mut images): (Vec<usize>, Vec<usize>) = paths.iter().copied().partition(|&column| is_mask(column));
    if images.is_empty() {
        // Pictures of labels, say.
        images = paths;
    }
    let preferred = |column: usize| (any_of(IMAGE_WORDS, &named(column)), filled(column));
    let most = images.iter().map(|&column| preferred(column)).max();
    let best: Vec<usize> = images.iter().copied().filter(|&column| Some(preferred(column)) == most).collect();
    match best.as_slice() {
        [] => Err(format!("no column names images: the header has no column {}", PLAIN[0])),
        [image] => {
            let sparse = images.iter().copied().find(|&column| column != *image && filled(column) < filled(*image));
            Ok((*image, masks.into_iter().find(|column| column != image).or(sparse)))
        }
        [first, second, ..] => Err(format!(
            "columns {} and {} both name an image: name one image_filepath and the other mask",
            first + 1,
            second + 1
        )),
    }
}

fn is_mask_name(name: &[String]) -> bool {
    name.iter().any(|word| meaning(word) == Some(Meaning::Mask))
}

/// Whether a column is named as the one with types of defects.
fn is_type_name(name: &[String]) -> bool {
    let defects = matches!(role_of(name), Some(NamedRole::Defective { .. }));
    name.len() > 1 && defects && any_of(TYPE_WORDS, name)
        || matches!(name, [only] if ["defecttype", "fehlerart", "fehlertyp", "fehlercode"].contains(&only.as_str()))
}

fn subset_of(cell: &str) -> Option<Subset> {
    words(cell).iter().find_map(|word| match meaning(word) {
        Some(Meaning::Train) => Some(Subset::Train),
        Some(Meaning::Test) => Some(Subset::Test),
        _ => None,
    })
}

fn is_subset_column(data: &[TableRow], column: usize, name: &[String]) -> bool {
    let mut cells = data.iter().map(|row| row.cells.get(column).map(String::as_str).unwrap_or_default());
    let all = cells.all(|cell| subset_of(cell).is_some());
    all && (name.is_empty() || any_of(SUBSET_WORDS, name) || data.len() > 1)
}

/// Whether a column of types says which parts are healthy: by an empty cell or a word.
fn says_healthy(data: &[TableRow], column: usize) -> bool {
    data.iter().any(|row| row.cells.get(column).is_none_or(|cell| !is_type(cell)))
}

/// Whether a cell names a type of defect, rather than none.
fn is_type(cell: &str) -> bool {
    let none =
        ["none", "null", "nan", "na", "keine", "kein", "aucun", "ninguno", "nessuno", "无", "無", "なし", "없음"];
    let folded = fold(cell);
    let named = folded.chars().any(char::is_alphanumeric);
    named
        && !none.contains(&folded.as_str())
        && !matches!(value(cell), Value::Healthy | Value::Number(0) | Value::Truth(false))
}

/// Reads a cell of a label column.
fn value(cell: &str) -> Value {
    let folded = fold(cell.trim());
    if folded.is_empty() {
        return Value::Empty;
    }
    // Spreadsheets of many locales write a decimal comma.
    if let Ok(number) = folded.replace(',', ".").parse::<f64>()
        && number.fract() == 0.0
        && number.abs() < 1e6
    {
        return Value::Number(number as i64);
    }
    if is_one_of(TRUE_WORDS, &folded) {
        return Value::Truth(true);
    }
    if is_one_of(FALSE_WORDS, &folded) {
        return Value::Truth(false);
    }
    match role_of(&words(cell)) {
        Some(NamedRole::Healthy) => Value::Healthy,
        Some(NamedRole::Defective { .. }) => Value::Defective,
        _ => Value::Word(cell.to_owned()),
    }
}

/// Whether a word says that a part is defective, and not how.
fn is_generic(cell: &str) -> bool {
    role_of(&words(cell)) == Some(NamedRole::Defective { is_type: false })
}

/// How a column is known as that of the label, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// The name of the older format.
    Plain,
    /// A name such as `defective` or `good`.
    Named,
    /// A name such as `status`.
    NamedLabel,
    /// Words such as OK and NG in it.
    Words,
    /// Only 0 and 1 in it.
    Digits,
}

/// Finds the column that says which parts are healthy.
fn label_column(data: &[TableRow], columns: &[usize], header: &[String]) -> Result<(usize, LabelReading), String> {
    let found = columns.iter().filter_map(|&column| {
        let (evidence, reading) = evidence(data, column, header.get(column).map(String::as_str).unwrap_or_default())?;
        Some((evidence, column, reading))
    });
    let found: Vec<_> = found.collect();
    let Some(best) = found.iter().map(|(evidence, ..)| *evidence).min() else {
        return Err("no column says which parts are healthy: the header has no column is_defective".to_owned());
    };
    let best: Vec<_> = found.into_iter().filter(|(evidence, ..)| *evidence == best).collect();
    match best.as_slice() {
        [(_, column, reading)] => Ok((*column, *reading)),
        several => {
            let names: Vec<String> = several.iter().map(|(_, column, _)| column_name(header, *column)).collect();
            Err(format!("{} may all say which parts are healthy: name one of them is_defective", names.join(", ")))
        }
    }
}

/// Whether and how a column may be that of the label.
fn evidence(data: &[TableRow], column: usize, name: &str) -> Option<(Evidence, LabelReading)> {
    let values: Vec<Value> = data.iter().filter_map(|row| row.cells.get(column)).map(|cell| value(cell)).collect();
    let any = |test: fn(&Value) -> bool| values.iter().any(test);
    let healthy = any(|v| *v == Value::Healthy);
    let classes = any(|v| *v == Value::Number(0)) && any(|v| matches!(v, Value::Number(n) if *n > 1));
    let reading = |one_is_defective: Option<bool>| LabelReading { one_is_defective, words_are_types: healthy, classes };
    let known = |v: &Value| matches!(v, Value::Healthy | Value::Defective | Value::Empty);
    let name_words = words(name);
    let measured = any_of(NUMBER_WORDS, &name_words) && !["y", "Y"].contains(&name);
    if fold(name) == PLAIN[1] {
        return Some((Evidence::Plain, LabelReading { classes: false, ..reading(Some(true)) }));
    }
    match role_of(&name_words) {
        Some(NamedRole::Defective { .. }) if !measured => return Some((Evidence::Named, reading(Some(true)))),
        Some(NamedRole::Healthy) if !measured => {
            return Some((Evidence::Named, LabelReading { classes: false, ..reading(Some(false)) }));
        }
        _ => {}
    }
    if any_of(LABEL_WORDS, &name_words) {
        return Some((Evidence::NamedLabel, reading(None)));
    }
    if measured || values.iter().all(|v| *v == Value::Empty) {
        return None;
    }
    if values.iter().all(known) || healthy && !any(|v| matches!(v, Value::Truth(_) | Value::Number(_))) {
        return Some((Evidence::Words, reading(None)));
    }
    let digits = values.iter().all(|v| matches!(v, Value::Number(0 | 1) | Value::Empty));
    digits.then(|| (Evidence::Digits, reading(None)))
}

#[cfg(test)]
mod tests {
    use super::{super::table::tables, *};

    /// Whether the image of each row is healthy, with types and masks.
    fn read(text: &str) -> Result<Vec<String>, LineFault> {
        let rows = tables(text, false).swap_remove(0);
        let columns = Columns::of(&rows, &ImageNames::default())?;
        let row = |row: &TableRow| {
            let label = match columns.label(row)? {
                Label::Healthy => "healthy".to_owned(),
                Label::Defective(kind) => kind,
            };
            let mask = columns.mask(row).map(|mask| format!(" {mask}")).unwrap_or_default();
            Ok(format!("{} {label}{mask}", columns.image(row)?))
        };
        rows[columns.first..].iter().map(row).collect()
    }

    #[test]
    fn lists_of_many_habits_say_the_same() {
        for text in [
            "image_filepath,lbl_image_filepath,is_defective\na.png,,0\nb.png,m.png,1\n",
            "Image_FilePath,LBL_IMAGE_FILEPATH,Is_Defective\na.png,,FALSE\nb.png,m.png,TRUE\n",
            "image,label,mask\na.png,normal,\nb.png,anomaly,m.png\n",
            "Datei;Ergebnis;Maske\na.png;i.O.;\nb.png;n.i.O.;m.png\n",
            "fichier;statut;masque\na.png;bon;\nb.png;mauvais;m.png\n",
            "id,path,good,mask\n7,a.png,1,\n8,b.png,0,m.png\n",
            "a.png,,0\nb.png,m.png,1\n",
            "a.png,OK,\nb.png,NG,m.png\n",
            "\"file\"\t\"defect\"\t\"gt\"\n\"a.png\"\t\"nein\"\t\"\"\n\"b.png\"\t\"ja\"\t\"m.png\"\n",
            "文件,结果,掩码\na.png,合格,\nb.png,不合格,m.png\n",
            "file;exposure;status;mask\na.png;1,5;\"0,0\";\nb.png;1,7;\"1,0\";m.png\n",
            "filename,anomaly_score,label,segmentation\na.png,0.1,good,\nb.png,0.8,bad,m.png\n",
        ] {
            assert_eq!(read(text).unwrap(), ["a.png healthy", "b.png defect m.png"], "{text}");
        }
    }

    #[test]
    fn types_of_defects_are_kept() {
        for text in [
            "image,label\na.png,good\nb.png,bubble\n",
            "image,defective,defect_type\na.png,0,\nb.png,1,bubble\n",
            "image,defect_type\na.png,none\nb.png,bubble\n",
        ] {
            assert_eq!(read(text).unwrap(), ["a.png healthy", "b.png bubble"], "{text}");
        }
        let numbers = "image,label\na.png,0\nb.png,3\n";
        assert_eq!(read(numbers).unwrap(), ["a.png healthy", "b.png class 3"]);
    }

    #[test]
    fn what_stays_unclear_is_said_with_its_line() {
        let fault = |text: &str| read(text).unwrap_err();
        assert_eq!(fault("image,label\na.png,good\nb.png,\n").line, 3);
        assert!(
            fault("image,exposure\na.png,1.5\nb.png,2.5\n").detail.contains("no column says which parts are healthy")
        );
        assert!(fault("image,label\na.png,A\nb.png,B\n").detail.contains("label is `A`"));
        assert!(fault("image,label\na.png,true\nb.png,false\n").detail.contains("label is `true`"));
        assert!(fault("a.png,0,1\nb.png,1,0\n").detail.contains("name one of them is_defective"));
        assert!(fault("image,label\n").detail.contains("no images"));
        assert!(fault("image,label\na.png,-1\nb.png,1\n").detail.contains("`-1`"));
        let rows = tables("image,label\na.png,0\nb.png,1\n", false).swap_remove(0);
        assert_eq!(
            Columns::of(&rows, &ImageNames::default()).unwrap().note.unwrap(),
            "in label, 0 is read as healthy and 1 as defective"
        );
    }
}
