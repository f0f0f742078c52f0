//! Turning a template and what is known into words. A missing variable is an error, never a blank in a letter.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use kernel::{Currency, Instant, Money};
use minijinja::{Environment, UndefinedBehavior, context};
use secrecy::{ExposeSecret, SecretString};

use crate::Settings;
use crate::catalogue::{self, LAYOUT_HTML, LAYOUT_TEXT, Template, Variable};

/// Why a template could not be turned into words.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no template of that name.
    #[error("there is no template `{0}`")]
    Unknown(String),
    /// What it needs to know is not known.
    #[error("template `{template}` needs `{variable}`, which is not known")]
    Missing {
        /// The template.
        template: &'static str,
        /// As the template writes it.
        variable: &'static str,
    },
    /// The template's text is not well formed, or says something that was not declared.
    #[error("template `{template}`: {message}")]
    Syntax {
        /// The template.
        template: String,
        /// What is wrong with it.
        message: String,
    },
}

/// What is known about one event, typed. What a template does not ask for is not looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables {
    pub(crate) job_title: Option<String>,
    pub(crate) milestone_title: Option<String>,
    /// Fields of a job, as requests name them.
    pub(crate) changed: Vec<String>,
    pub(crate) amount: Option<Money>,
    pub(crate) fee: Option<Money>,
    pub(crate) share: Option<Money>,
    pub(crate) inspection_ends_at: Option<Instant>,
    pub(crate) expires_at: Option<Instant>,
    pub(crate) credential: Option<identity::Credential>,
    pub(crate) token: Option<SecretString>,
}

/// Whom a text is for.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) first_name: Option<String>,
    pub(crate) zone: Tz,
}

/// A notification in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) title: String,
    pub(crate) body: String,
}

/// A mail in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// Every template, parsed and checked.
pub struct Templates {
    environment: Environment<'static>,
    product: String,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates").field("product", &self.product).finish_non_exhaustive()
    }
}

/// The parts that one template's file becomes. The suffix of a part's name tells whether values are escaped in it.
const SUBJECT: &str = "subject.txt";
const TEXT: &str = "body.txt";
const HTML: &str = "body.html";

impl Templates {
    /// Parses them all.
    ///
    /// # Errors
    /// [`RenderError::Syntax`] for the first that is not well formed or uses what it does not declare.
    pub fn load(settings: &Settings) -> Result<Self, RenderError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        add(&mut environment, "layout.txt".to_owned(), LAYOUT_TEXT)?;
        add(&mut environment, "layout.html".to_owned(), LAYOUT_HTML)?;
        for template in catalogue::ALL {
            let (subject, body) = split(template)?;
            for (part, source) in [(SUBJECT, subject), (TEXT, body), (HTML, body)] {
                add(&mut environment, format!("{}.{part}", template.name), source)?;
                check_declared(&environment, template, part)?;
            }
        }
        Ok(Self { environment, product: settings.product.clone() })
    }

    /// The names of all templates with their versions.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, i16)> {
        catalogue::ALL.iter().map(|template| (template.name, template.version))
    }

    /// A template as a mail, filled with samples.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn preview(&self, name: &str) -> Result<Preview, RenderError> {
        let template = catalogue::find(name).ok_or_else(|| RenderError::Unknown(name.to_owned()))?;
        self.mail(template, &samples(), &Reader { first_name: Some("Ada".to_owned()), zone: Tz::UTC }, None)
    }

    /// The words for the inbox.
    pub(crate) fn words(
        &self,
        template: &'static Template,
        variables: &Variables,
        reader: &Reader,
    ) -> Result<Words, RenderError> {
        let values = self.values(template, variables, reader)?;
        Ok(Words {
            title: one_line(&self.part(template, SUBJECT, &values)?),
            body: self.part(template, TEXT, &values)?.trim().to_owned(),
        })
    }

    /// The words of a mail.
    pub(crate) fn mail(
        &self,
        template: &'static Template,
        variables: &Variables,
        reader: &Reader,
        link: Option<&str>,
    ) -> Result<Preview, RenderError> {
        let values = self.values(template, variables, reader)?;
        let Words { title: subject, body } = self.words(template, variables, reader)?;
        let escaped = self.part(template, HTML, &values)?;
        // Escaped already; the layout must not do it again.
        let paragraphs: Vec<_> = escaped
            .split("\n\n")
            .map(str::trim)
            .filter(|paragraph| !paragraph.is_empty())
            .map(|paragraph| minijinja::Value::from_safe_string(paragraph.to_owned()))
            .collect();
        let (product, first_name) = (&self.product, &reader.first_name);
        let text = self.render("layout.txt", context! { product, first_name, body, link })?;
        let shown = &subject;
        let html =
            self.render("layout.html", context! { product, first_name, subject => shown, paragraphs, link })?;
        Ok(Preview { subject, text, html })
    }

    /// What a template asks for, as text; an error for what is not known.
    fn values(
        &self,
        template: &'static Template,
        variables: &Variables,
        reader: &Reader,
    ) -> Result<BTreeMap<&'static str, String>, RenderError> {
        let mut values = BTreeMap::from([("product", self.product.clone())]);
        for variable in template.variables {
            let value = variables.text(*variable, reader);
            let value =
                value.ok_or(RenderError::Missing { template: template.name, variable: variable.as_str() })?;
            values.insert(variable.as_str(), value);
        }
        Ok(values)
    }

    fn part(
        &self,
        template: &Template,
        part: &str,
        values: &BTreeMap<&'static str, String>,
    ) -> Result<String, RenderError> {
        self.render(
            &format!("{}.{part}", template.name),
            minijinja::Value::from_pairs(values.iter().map(|(name, value)| (*name, value))),
        )
    }

    fn render(&self, name: &str, values: minijinja::Value) -> Result<String, RenderError> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(values))
            .map_err(|error| syntax(name, &error))
    }
}

impl Variables {
    fn text(&self, variable: Variable, reader: &Reader) -> Option<String> {
        match variable {
            Variable::JobTitle => self.job_title.as_deref().map(one_line),
            Variable::MilestoneTitle => self.milestone_title.as_deref().map(one_line),
            Variable::Changed => changed_words(&self.changed),
            Variable::Amount => self.amount.map(|amount| amount.to_string()),
            Variable::Fee => self.fee.map(|fee| fee.to_string()),
            Variable::Share => self.share.map(|share| share.to_string()),
            Variable::InspectionEndsAt => self.inspection_ends_at.map(|at| moment(at, reader.zone)),
            Variable::ExpiresAt => self.expires_at.map(|at| moment(at, reader.zone)),
            Variable::Credential => self.credential.as_ref().map(credential_words),
            Variable::LastDay => self
                .credential
                .as_ref()
                .map(|credential| credential.expires_on.format("%-d %B %Y").to_string()),
            Variable::Token => self.token.as_ref().map(|token| token.expose_secret().to_owned()),
        }
    }
}

/// `description, budget`; none when nothing is named.
fn changed_words(fields: &[String]) -> Option<String> {
    let mut words: Vec<&str> = fields
        .iter()
        .map(|field| match field.as_str() {
            "category" => "trade",
            "address" => "place",
            "budgetMin" | "budgetMax" => "budget",
            "wantedStart" => "wanted start",
            "biddingDeadline" => "bidding deadline",
            other => other,
        })
        .collect();
    words.dedup();
    (!words.is_empty()).then(|| words.join(", "))
}

/// `Friday 4 December 2026, 10:15 (Europe/Berlin)`.
fn moment(at: Instant, zone: Tz) -> String {
    format!("{} ({zone})", at.with_timezone(&zone).format("%A %-d %B %Y, %H:%M"))
}

/// `licence (roofing, Texas)`.
fn credential_words(credential: &identity::Credential) -> String {
    let kind = match credential.kind {
        identity::CredentialKind::Licence => "licence",
        identity::CredentialKind::Insurance => "insurance",
    };
    let place = one_line(&credential.place);
    match &credential.trade {
        Some(trade) => format!("{kind} ({trade}, {place})"),
        None => format!("{kind} ({place})"),
    }
}

/// What people wrote, without the line breaks and control characters that have no business in a subject line.
pub(crate) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn add(
    environment: &mut Environment<'static>,
    name: String,
    source: &'static str,
) -> Result<(), RenderError> {
    environment.add_template_owned(name.clone(), source).map_err(|error| syntax(&name, &error))
}

/// The subject line and the text of a template's file.
fn split(template: &Template) -> Result<(&'static str, &'static str), RenderError> {
    let malformed = || RenderError::Syntax {
        template: template.name.to_owned(),
        message: "begins with `Subject: …` and an empty line".to_owned(),
    };
    let (head, body) = template.source.split_once("\n\n").ok_or_else(malformed)?;
    Ok((head.strip_prefix("Subject: ").ok_or_else(malformed)?, body))
}

fn check_declared(
    environment: &Environment<'static>,
    template: &Template,
    part: &str,
) -> Result<(), RenderError> {
    let name = format!("{}.{part}", template.name);
    let parsed = environment.get_template(&name).map_err(|error| syntax(&name, &error))?;
    let known =
        |used: &str| used == "product" || template.variables.iter().any(|variable| variable.as_str() == used);
    match parsed.undeclared_variables(false).into_iter().find(|used| !known(used)) {
        None => Ok(()),
        Some(used) => {
            Err(RenderError::Syntax { template: name, message: format!("`{used}` is not declared") })
        }
    }
}

fn syntax(template: &str, error: &minijinja::Error) -> RenderError {
    RenderError::Syntax { template: template.to_owned(), message: error.to_string() }
}

fn samples() -> Variables {
    let money = |minor| Money::new(minor, Currency::USD).ok();
    Variables {
        job_title: Some("Repaint the fence".to_owned()),
        milestone_title: Some("First coat".to_owned()),
        changed: ["description", "budgetMin", "budgetMax"].map(str::to_owned).to_vec(),
        amount: money(180_000),
        fee: money(5_220),
        share: money(174_780),
        inspection_ends_at: Instant::from_timestamp(1_796_379_300, 0),
        expires_at: Instant::from_timestamp(1_796_379_300, 0),
        credential: chrono::NaiveDate::from_ymd_opt(2027, 6, 30).map(|expires_on| identity::Credential {
            kind: identity::CredentialKind::Licence,
            trade: Some("roofing".to_owned()),
            number: String::new(),
            holder: String::new(),
            place: "Texas".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            expires_on,
        }),
        token: Some(SecretString::from("sample-token")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates() -> Templates {
        Templates::load(&Settings::default()).unwrap()
    }

    fn reader() -> Reader {
        Reader { first_name: None, zone: Tz::Europe__Berlin }
    }

    #[test]
    fn every_template_can_be_previewed_and_uses_what_it_declares() {
        let templates = templates();
        for template in catalogue::ALL {
            let preview = templates.preview(template.name).unwrap();
            assert!(preview.text.starts_with("Hello Ada,\n\n"), "{}", preview.text);
            assert!(preview.html.contains("<p>Hello Ada,</p>"), "{}", template.name);
            assert!(!preview.subject.is_empty() && preview.subject.len() < 120, "{}", template.name);
            for variable in template.variables {
                let shown = samples().text(*variable, &reader());
                assert!(
                    template.source.contains(&format!("{{{{ {} }}}}", variable.as_str())),
                    "{}",
                    template.name
                );
                assert!(shown.is_some());
            }
        }
    }

    #[test]
    fn a_missing_variable_is_an_error() {
        for template in catalogue::ALL {
            let rendered = templates().words(template, &Variables::default(), &reader());
            match template.variables.first() {
                None => assert!(rendered.is_ok(), "{}", template.name),
                Some(_) => assert!(matches!(rendered, Err(RenderError::Missing { .. })), "{}", template.name),
            }
        }
    }

    #[test]
    fn what_people_wrote_is_escaped_in_html_and_kept_in_text() {
        let variables =
            Variables { job_title: Some("<b>Fence</b> & \"gate\"\r\nBcc: all".to_owned()), ..samples() };
        let template = catalogue::find("job_published").unwrap();
        let mail =
            templates().mail(template, &variables, &reader(), Some("https://app/jobs/1?a=1&b=2")).unwrap();
        assert_eq!(mail.subject, "“<b>Fence</b> & \"gate\" Bcc: all” is open for bids");
        assert!(mail.text.contains("<b>Fence</b> & \"gate\" Bcc: all"));
        assert!(!mail.html.contains("<b>Fence"), "{}", mail.html);
        assert!(mail.html.contains("&lt;b&gt;Fence&lt;&#x2f;b&gt; &amp; &quot;gate&quot;"), "{}", mail.html);
        assert!(mail.text.contains("https://app/jobs/1?a=1&b=2"));
    }

    #[test]
    fn template_syntax_in_what_people_wrote_is_only_text() {
        let variables = Variables { job_title: Some("{{ token }}{% raw %}".to_owned()), ..samples() };
        let words =
            templates().words(catalogue::find("job_published").unwrap(), &variables, &reader()).unwrap();
        assert_eq!(words.title, "“{{ token }}{% raw %}” is open for bids");
    }

    #[test]
    fn instants_are_shown_in_the_reader_s_zone() {
        let at = "2026-12-04T09:15:00Z".parse().unwrap();
        assert_eq!(moment(at, Tz::Europe__Berlin), "Friday 4 December 2026, 10:15 (Europe/Berlin)");
        assert_eq!(
            moment(at, Tz::America__Los_Angeles),
            "Friday 4 December 2026, 01:15 (America/Los_Angeles)"
        );
    }

    #[test]
    fn what_changed_is_said_in_words_and_each_once() {
        let words = |fields: &[&str]| {
            changed_words(&fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(words(&["title", "budgetMin", "budgetMax"]).as_deref(), Some("title, budget"));
        assert_eq!(words(&["address", "wantedStart"]).as_deref(), Some("place, wanted start"));
        assert_eq!(words(&[]), None);
    }

    #[test]
    fn only_mails_carry_tokens() {
        for template in catalogue::ALL {
            assert_eq!(template.in_inbox(), !template.source.contains("{{ token }}"), "{}", template.name);
        }
    }
}
