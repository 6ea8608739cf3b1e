use super::*;

fn decode(terms: &str, bytes: &[u8], delimiters: Delimiters) -> (String, bool) {
    let (charset, unknown) = Charset::parse(terms.as_bytes());
    let (text, good) = charset.decode(bytes, delimiters);
    (text.into_owned(), good && unknown == 0)
}

fn name(terms: &str, bytes: &[u8]) -> String {
    let (text, good) = decode(terms, bytes, Delimiters::Names);
    assert!(good, "{terms}: {text}");
    text
}

/// PS3.5 annexes H (Japanese), I (Korean), J (UTF-8, GB18030), K (GB 2312), and one name per other set.
#[test]
fn names_of_the_standard() {
    let cases: &[(&str, &[u8], &str)] = &[
        (
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        ),
        ("\\ISO 2022 IR 159", b"\x1b$(D\x30\x21\x1b(B^X", "丂^X"),
        (
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東=".as_bytes(), "Wang^XiaoDong=王^小東="),
        ("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
        ("GBK", b"\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东"),
        ("\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=", "Zhang^XiaoDong=张^小东="),
        ("ISO_IR 13", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("ISO_IR 126", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
        ("ISO_IR 138", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
        ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
        ("ISO_IR 144", b"\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3", "Люкceмбypг"),
        ("ISO_IR 166", b"\xca\xc1\xaa\xd2\xc2", "สมชาย"),
        ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
        ("ISO_IR 101", b"Wa\xb3\xeasa", "Wałęsa"),
        ("ISO_IR 109", b"\xa1\xfd", "Ħŭ"),
        ("ISO_IR 110", b"\xc7\xf1", "Įņ"),
        ("ISO_IR 148", b"\xd0\xdd\xde\xf0\xfd\xfe\xc4", "ĞİŞğışÄ"),
        ("ISO_IR 203", b"\xa4\xbd", "€œ"),
    ];
    for (terms, bytes, expected) in cases {
        assert_eq!(name(terms, bytes), *expected, "{terms}");
    }
}

#[test]
fn several_sets_in_one_value() {
    // French, Greek and Cyrillic by escape sequence; the delimiter goes back to the first term.
    let bytes = b"Dionysios is \x1b-F\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2\\J\xe9r\xf4me \x1b-L\xbb\xee\xda";
    let (text, good) = decode(
        "ISO 2022 IR 100\\ISO 2022 IR 126\\ISO 2022 IR 144",
        bytes,
        Delimiters::Values,
    );
    assert!(good);
    assert_eq!(text, "Dionysios is Διονυσιος\\Jérôme Люк");
}

#[test]
fn a_delimiter_within_two_bytes_is_none() {
    // 嘴 is 5C with a second byte in JIS X 0208's row 3CH..; here 0x3D 0x5C ends in a backslash, 0x5E the caret begins.
    let (text, good) = decode("\\ISO 2022 IR 87", b"\x1b$B=\\^W\x1b(B\\B", Delimiters::Values);
    assert!(good, "{text}");
    let values: Vec<&str> = text.split('\\').collect();
    assert_eq!(values.len(), 2);
    assert_eq!((values[0].chars().count(), values[1]), (2, "B"));
    // GB18030: 5CH as the second byte.
    let (text, good) = decode("GB18030", b"\x81\x5c\\A", Delimiters::Values);
    assert!(good);
    assert_eq!(
        text.split('\\').collect::<Vec<_>>(),
        ["乗", "A"].map(|s| if s == "A" { s } else { &text[..3] })
    );
}

#[test]
fn escape_sequences_reach_to_the_delimiter_only() {
    let lines = decode(
        "\\ISO 2022 IR 149",
        b"\x1b$)C\xb1\xe6\r\n\x1b$)C\xb1\xe6",
        Delimiters::Lines,
    );
    assert_eq!(lines, ("길\r\n길".into(), true));
    // Whoever forgets to repeat it is understood, and noticed.
    let lines = decode(
        "\\ISO 2022 IR 149",
        b"\x1b$)C\xb1\xe6\r\n\xb1\xe6",
        Delimiters::Lines,
    );
    assert_eq!(lines, ("길\r\n길".into(), false));
    assert_eq!(
        decode("ISO 2022 IR 149", b"\xb1\xe6", Delimiters::Names),
        ("길".into(), false)
    );
}

#[test]
fn yen_is_a_backslash_only_where_values_are_parted() {
    assert_eq!(decode("ISO_IR 13", b"A\\B~", Delimiters::Lines).0, "A¥B‾");
    assert_eq!(decode("ISO_IR 13", b"A\\B", Delimiters::Values).0, "A\\B");
}

#[test]
fn misspelt_terms_are_understood() {
    for term in [
        "ISO_IR 100",
        "ISO IR 100",
        "ISO-IR 100",
        "iso_ir_100",
        "ISO 2022 IR 100",
        "ISO_2022_IR_100",
        "ISO_IR100",
    ] {
        assert_eq!(
            decode(term, b"\xe9", Delimiters::Values),
            ("é".into(), true),
            "{term}"
        );
    }
}

#[test]
fn what_cannot_be_told_is_replaced_and_counted() {
    for (terms, bytes, expected) in [
        ("ISO_IR 192", &b"A\xffB"[..], "A\u{FFFD}B"),
        ("\\ISO 2022 IR 87", b"\x1b$B;", "\u{FFFD}"),
        ("\\ISO 2022 IR 87", b"\x1b%GA", "\u{FFFD}%GA"),
        ("ISO_IR 100", b"A\0B", "A\u{FFFD}B"),
        // Not declared: UTF-8 shows by itself, Latin-1 is the guess else.
        ("", "é".as_bytes(), "é"),
        ("", b"\xe9", "é"),
    ] {
        assert_eq!(
            decode(terms, bytes, Delimiters::Values),
            (expected.into(), false),
            "{terms}"
        );
    }
}

#[test]
fn an_unknown_set_is_read_as_latin_1_and_counted() {
    for terms in [
        "NONSENSE",
        "ISO_IR 999",
        "\\NONSENSE",
        "NONSENSE\\ISO 2022 IR 87",
        "ISO 2022 IR 6\\ISO 2022 IR 999",
    ] {
        assert_eq!(
            decode(terms, b"M\xfcller^J\xe9r\xf4me", Delimiters::Names),
            ("Müller^Jérôme".into(), false),
            "{terms}"
        );
    }
    // The sets that are known go on to be told by their escape sequences.
    assert_eq!(
        decode(
            "NONSENSE\\ISO 2022 IR 126",
            b"\xe9 \x1b-F\xc4",
            Delimiters::Values
        )
        .0,
        "é Δ"
    );
}
