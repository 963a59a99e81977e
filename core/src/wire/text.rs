//! Which characters a text that others will be shown may have.

use core::ops::RangeInclusive;

/// Code points that are not shown, or that change how their neighbours are shown.
///
/// Sources, Unicode 16: general categories Cc, Zl and Zp, interlinear annotation, and the property
/// `Default_Ignorable_Code_Point` of `DerivedCoreProperties.txt`, which holds all of
/// `Bidi_Control`. The list is part of the protocol: it does not follow later versions.
const HIDDEN: [RangeInclusive<char>; 19] = [
    '\u{0000}'..='\u{001F}',   // C0
    '\u{007F}'..='\u{009F}',   // delete, C1
    '\u{00AD}'..='\u{00AD}',   // soft hyphen
    '\u{034F}'..='\u{034F}',   // combining grapheme joiner
    '\u{061C}'..='\u{061C}',   // Arabic letter mark
    '\u{115F}'..='\u{1160}',   // Hangul fillers
    '\u{17B4}'..='\u{17B5}',   // Khmer inherent vowels
    '\u{180B}'..='\u{180F}',   // Mongolian selectors and vowel separator
    '\u{200B}'..='\u{200F}',   // zero-width space, joiners, direction marks
    '\u{2028}'..='\u{202E}',   // line and paragraph separator, direction embeddings
    '\u{2060}'..='\u{206F}',   // word joiner, invisible operators, direction isolates
    '\u{3164}'..='\u{3164}',   // Hangul filler
    '\u{FE00}'..='\u{FE0F}',   // variation selectors
    '\u{FEFF}'..='\u{FEFF}',   // zero-width no-break space
    '\u{FFA0}'..='\u{FFA0}',   // half-width Hangul filler
    '\u{FFF0}'..='\u{FFFB}',   // unassigned, interlinear annotation
    '\u{1BCA0}'..='\u{1BCA3}', // shorthand format controls
    '\u{1D173}'..='\u{1D17A}', // musical format controls
    '\u{E0000}'..='\u{E0FFF}', // tags, variation selectors
];

/// Whether every character of `text` is one that is shown, and as itself.
///
/// ```
/// use ltms_core::wire::is_plain_text;
/// assert!(is_plain_text("Ålesund ⚡ 签名"));
/// assert!(!is_plain_text("user\u{202E}nimda"));
/// ```
#[must_use]
pub fn is_plain_text(text: &str) -> bool {
    text.chars().all(|shown| !HIDDEN.iter().any(|range| range.contains(&shown)))
}
