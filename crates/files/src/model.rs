//! Files as they are known: whose, for what, how large, of which type. Where their bytes are does not belong here.

use kernel::{Fault, Faults, Instant, PartyId};

kernel::id!(
    /// A file.
    FileId,
    "fil"
);

const NAME_CHARS_MAX: usize = 200;

/// What a file is, judged by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// A PDF document.
    Pdf,
    /// A JPEG image.
    Jpeg,
    /// A PNG image.
    Png,
    /// A WebP image.
    Webp,
    /// A ZIP archive.
    Zip,
}

impl ContentType {
    /// Every one that can be told.
    pub const ALL: [Self; 5] = [Self::Pdf, Self::Jpeg, Self::Png, Self::Webp, Self::Zip];

    /// Its media type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Zip => "application/zip",
        }
    }

    /// Reads what [`ContentType::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// What these first bytes are the beginning of; none of what is not told apart here.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        media_type(head).and_then(Self::parse)
    }

    /// Whether it is a picture, which [`draw`](crate::FilesCommands::draw) can draw anew.
    #[must_use]
    pub const fn is_picture(self) -> bool {
        match self {
            Self::Jpeg | Self::Png | Self::Webp => true,
            Self::Pdf | Self::Zip => false,
        }
    }

    /// What names of such files end in; the first of them when there is a choice.
    const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["pdf"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Webp => &["webp"],
            Self::Zip => &["zip"],
        }
    }
}

/// The media type of what begins so, taken here or not.
pub(crate) fn media_type(head: &[u8]) -> Option<&'static str> {
    infer::get(head).map(|found| found.mime_type())
}

/// What somebody calls a file: a name without a path, fit for a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Keeps what comes after the last slash of either kind.
    ///
    /// # Errors
    /// A fault when nothing is left, when it is too long or holds control characters.
    pub fn new(raw: &str) -> Result<Self, Faults> {
        let name = raw.rsplit(['/', '\\']).next().unwrap_or_default().trim();
        let mut faults = Faults::none();
        faults.check(!name.is_empty() && name != "." && name != "..", "", "empty", "must be a name");
        let short = name.chars().count() <= NAME_CHARS_MAX;
        faults.check(short, "", "too_long", format!("must have at most {NAME_CHARS_MAX} characters"));
        let clean = !name.chars().any(|c| c.is_control() || is_bidirectional(c));
        faults.check(clean, "", "control_character", "must not contain control characters");
        if faults.is_empty() { Ok(Self(name.to_owned())) } else { Err(faults) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name with the ending of what the file is: nobody's machine opens as a page or a program what was called one.
fn named_as(name: &str, content_type: ContentType) -> String {
    let endings = content_type.endings();
    let (stem, ending) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""));
    if endings.iter().any(|known| known.eq_ignore_ascii_case(ending)) {
        return name.to_owned();
    }
    let known = ContentType::ALL.into_iter().flat_map(ContentType::endings);
    // Only an ending of another type is taken away: of `Nr. 7` nothing is.
    let of_another = known.into_iter().any(|known| known.eq_ignore_ascii_case(ending));
    let stem = if of_another { stem } else { name };
    format!("{stem}.{}", endings.first().copied().unwrap_or("bin"))
}

/// Marks that turn the direction of what follows: `gpj.exe` would be read as an image's name.
const fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Default for FileName {
    fn default() -> Self {
        Self("file".to_owned())
    }
}

/// What is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes.
    pub bytes_max: u64,
    /// The types.
    pub types: &'static [ContentType],
}

/// A file to receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Whose it will be.
    pub owner: PartyId,
    /// What it is for, in one lower-case word: `verification`.
    pub purpose: &'static str,
    /// What its owner calls it.
    pub name: FileName,
    /// What is taken.
    pub limits: Limits,
}

/// A file whose last byte has been stored, and that nobody keeps yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Its id.
    pub id: FileId,
    /// Whose it will be.
    pub owner: PartyId,
    /// What it is.
    pub content_type: ContentType,
    /// How many bytes it has.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: [u8; 32],
}

/// A stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// Whose it is.
    pub owner: PartyId,
    /// What its owner calls it.
    pub name: String,
    /// What it is.
    pub content_type: ContentType,
    /// How many bytes it has.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: [u8; 32],
    /// When it was stored.
    pub stored_at: Instant,
    /// Where its bytes are.
    pub(crate) storage_key: String,
}

impl File {
    /// What it is called on the machine of whoever fetches it: the ending says what it is.
    #[must_use]
    pub fn download_name(&self) -> String {
        named_as(&self.name, self.content_type)
    }
}

/// A picture to draw anew from one that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// What it is for, as of a [`NewFile`].
    pub purpose: &'static str,
    /// What its owner calls it.
    pub name: FileName,
    /// The most pixels that what was received may have.
    pub pixels_max: u64,
    /// How long the longest side may be, in pixels: one picture for each, from the largest down. What is smaller already is not made
    /// larger, and drawn once.
    pub sides: Vec<u32>,
}

/// A picture that was drawn anew, and that nobody keeps yet: a JPEG with nothing in it but what there is to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// The file.
    pub file: Received,
    /// Which of [`Drawing::sides`] it was drawn for.
    pub side: u32,
    /// How wide it is, in pixels.
    pub width: u32,
    /// How high it is.
    pub height: u32,
}

/// What came in: a file as it was received, and what was drawn of it. Of a picture that others are to see only what was drawn may be
/// kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The file, byte by byte as it came.
    pub received: Received,
    /// None of what is no picture.
    pub drawn: Vec<Drawn>,
}

/// How a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileState {
    /// It is coming, or came and nobody keeps it yet.
    Receiving,
    /// It is kept.
    Stored,
    /// Its bytes are to go.
    Removed,
}

impl FileState {
    /// As the database has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "RECEIVING",
            Self::Stored => "STORED",
            Self::Removed => "REMOVED",
        }
    }
}

/// What a setting or a caller got wrong, at a place.
pub(crate) fn out_of_range(name: &str, bounds: &std::ops::RangeInclusive<u64>) -> Fault {
    Fault::new(name, "out_of_range", format!("must be from {} to {}", bounds.start(), bounds.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_judged_by_the_first_bytes() {
        let webp = [b"RIFF".as_slice(), &[1, 0, 0, 0], b"WEBPVP8 "].concat();
        for (head, expected) in [
            (b"%PDF-1.7\n".as_slice(), Some(ContentType::Pdf)),
            (&[0xff, 0xd8, 0xff, 0xe0, 0, 16], Some(ContentType::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(ContentType::Png)),
            (&webp, Some(ContentType::Webp)),
            (b"GIF89a", None),
            (b"<html><script>", None),
            (b"PK\x03\x04", Some(ContentType::Zip)),
            (b"MZ\x90\0", None),
            (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
            (b"", None),
        ] {
            assert_eq!(ContentType::of(head), expected, "{}", String::from_utf8_lossy(head));
        }
        assert!(ContentType::ALL.into_iter().all(|one| ContentType::parse(one.as_str()) == Some(one)));
    }

    #[test]
    fn a_name_ends_in_what_the_file_is() {
        for (name, content_type, expected) in [
            ("plan.pdf", ContentType::Pdf, "plan.pdf"),
            ("PLAN.PDF", ContentType::Pdf, "PLAN.PDF"),
            ("sink.jpeg", ContentType::Jpeg, "sink.jpeg"),
            ("sink.png", ContentType::Jpeg, "sink.jpg"),
            ("plan.pdf", ContentType::Jpeg, "plan.jpg"),
            ("report.html", ContentType::Pdf, "report.html.pdf"),
            ("Lizenz Nr. 7", ContentType::Pdf, "Lizenz Nr. 7.pdf"),
            (".pdf", ContentType::Png, ".pdf.png"),
            ("file", ContentType::Zip, "file.zip"),
        ] {
            assert_eq!(named_as(name, content_type), expected);
        }
    }

    #[test]
    fn a_name_has_no_path_and_nothing_that_cannot_be_seen() {
        for (raw, expected) in [
            ("licence.pdf", Some("licence.pdf")),
            ("C:\\papers\\Lizenz Nr. 7.pdf", Some("Lizenz Nr. 7.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("papers/", None),
            ("..", None),
            ("  ", None),
            ("a\r\nb", None),
            ("photo\u{202e}gpj.exe", None),
        ] {
            assert_eq!(FileName::new(raw).ok().as_ref().map(FileName::as_str), expected, "{raw}");
        }
        assert!(FileName::new(&"x".repeat(201)).is_err());
    }
}
