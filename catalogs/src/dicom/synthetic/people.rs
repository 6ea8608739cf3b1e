//! Invented people, three hospitals' worth, in the scripts that such hospitals write.

use chrono::{Days, NaiveDate};

use super::charset::CharacterSet;
use super::study::Patient;
use super::uid::Rng;

/// One script of one hospital: how it is encoded, and names in it (family, given for men, given for women).
pub(crate) struct Script {
    pub(crate) charset: CharacterSet,
    families: &'static [&'static str],
    men: &'static [&'static str],
    women: &'static [&'static str],
    /// Joins two names to a value of Patient's Name.
    compose: fn(&str, &str) -> String,
}

fn plain(family: &str, given: &str) -> String {
    format!("{family}^{given}")
}

/// `Latin|native` parts become an alphabetic and an ideographic group.
fn ideographic(family: &str, given: &str) -> String {
    let (f, g) = (family.split_once('|'), given.split_once('|'));
    match (f, g) {
        (Some((latin_f, native_f)), Some((latin_g, native_g))) => {
            format!("{latin_f}^{latin_g}={native_f}^{native_g}")
        }
        _ => plain(family, given),
    }
}

/// Scripts by hospital: Rhine (Latin), Aegean (Greek, Cyrillic, Hebrew, Arabic), Pacific (Japanese, Korean, Chinese).
pub(crate) static SCRIPTS: [&[Script]; 3] = [
    &[
        Script {
            charset: CharacterSet::Latin1,
            families: &["Müller", "Weiß", "Schäfer", "Krüger", "Lefèvre", "Núñez"],
            men: &["Jürgen", "Götz", "François", "Peter"],
            women: &["Käthe", "Zoë", "Hélène", "Anna"],
            compose: plain,
        },
        Script {
            charset: CharacterSet::Latin2,
            families: &["Dvořák", "Wiśniewski", "Kovács", "Šimić"],
            men: &["Łukasz", "Ondřej", "István"],
            women: &["Małgorzata", "Žofie", "Ágnes"],
            compose: plain,
        },
        Script {
            charset: CharacterSet::Ascii,
            families: &["Becker", "Vogel", "Brandt", "Janssen"],
            men: &["Thomas", "Erik", "Pieter"],
            women: &["Julia", "Greta", "Marijke"],
            compose: plain,
        },
    ],
    &[
        Script {
            charset: CharacterSet::Greek,
            families: &["Παπαδόπουλος", "Γεωργίου", "Ιωάννου", "Νικολάου"],
            men: &["Γιώργος", "Δημήτρης", "Κώστας"],
            women: &["Ελένη", "Μαρία", "Σοφία"],
            compose: plain,
        },
        Script {
            charset: CharacterSet::Cyrillic,
            families: &["Иванов", "Петров", "Стоянов", "Димитров"],
            men: &["Борис", "Николай", "Георги"],
            women: &["Мария", "Елена", "Десислава"],
            compose: plain,
        },
        Script {
            charset: CharacterSet::Hebrew,
            families: &["כהן", "לוי", "מזרחי"],
            men: &["דוד", "יוסף"],
            women: &["שרה", "רחל"],
            compose: plain,
        },
        Script {
            charset: CharacterSet::Arabic,
            families: &["حداد", "خوري", "نجار"],
            men: &["سامي", "كريم"],
            women: &["ليلى", "مريم"],
            compose: plain,
        },
    ],
    &[
        Script {
            charset: CharacterSet::Japanese,
            families: &["Yamada|山田", "Suzuki|鈴木", "Tanaka|田中", "Sato|佐藤"],
            men: &["Tarou|太郎", "Kenji|健二", "Hiroshi|弘"],
            women: &["Hanako|花子", "Yoko|洋子", "Akiko|明子"],
            compose: ideographic,
        },
        Script {
            charset: CharacterSet::Korean,
            families: &["Kim|김", "Lee|이", "Park|박", "Hong|홍"],
            men: &["Minsu|민수", "Gildong|길동"],
            women: &["Jiyoung|지영", "Sujin|수진"],
            compose: ideographic,
        },
        Script {
            charset: CharacterSet::Gb18030,
            families: &["Wang|王", "Zhang|张", "Li|李"],
            men: &["XiaoDong|小东", "Wei|伟"],
            women: &["Fang|芳", "XiuYing|秀英"],
            compose: ideographic,
        },
        Script {
            charset: CharacterSet::Utf8,
            families: &["Nguyễn", "Trần", "Phạm"],
            men: &["Đức", "Hùng"],
            women: &["Thị Hoa", "Ngọc"],
            compose: plain,
        },
    ],
];

/// A patient of hospital `site` (0 to 2) and the character set that the name needs.
pub(crate) fn patient(rng: &mut Rng, site: usize, id: &str, sex: &str) -> (Patient, CharacterSet) {
    let scripts = SCRIPTS[site % SCRIPTS.len()];
    let script = &scripts[rng.below(scripts.len())];
    let family = rng.pick(script.families);
    let given = rng.pick(if sex == "F" { script.women } else { script.men });
    let born = NaiveDate::from_ymd_opt(1936, 1, 1).unwrap_or_default();
    let birth_date = born.checked_add_days(Days::new(rng.below(40 * 365) as u64));
    let size_m = 1.5 + 0.01 * rng.below(42) as f64;
    let patient = Patient {
        id: id.to_owned(),
        name: (script.compose)(family, given),
        birth_date,
        sex: sex.to_owned(),
        size_m: Some((size_m * 100.0).round() / 100.0),
        weight_kg: Some(48.0 + rng.below(60) as f64),
    };
    (patient, script.charset)
}
