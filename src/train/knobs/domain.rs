//! The accepted values of a knob.

use std::fmt;

use toml::Value;

/// The values that a knob accepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// Whole numbers from minimum to maximum, inclusive.
    Int(i64, i64),
    /// Numbers from minimum to maximum, inclusive.
    Float(f64, f64),
    /// As `Float`, with a logarithmic slider; the minimum is above zero.
    LogFloat(f64, f64),
    /// On or off.
    Bool,
    /// One of these whole numbers.
    OneOf(&'static [i64]),
    /// A word that leaves the choice to the program, or one of these whole numbers, each with its title on screen.
    AutoOr((&'static str, &'static str), &'static [(i64, &'static str)]),
    /// One of these words, each with its title on screen.
    Choice(&'static [(&'static str, &'static str)]),
}

/// The error of a value that a knob does not accept.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("'{key}' is {value}, but must be {domain}")]
pub struct OutOfDomain {
    /// The knob.
    pub key: &'static str,
    /// The given value.
    pub value: String,
    /// The accepted values.
    pub domain: Domain,
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Float(low, high) | Self::LogFloat(low, high) => write!(f, "a number from {low} to {high}"),
            Self::Bool => f.write_str("true or false"),
            Self::OneOf(values) => {
                let words: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "one of {}", words.join(", "))
            }
            Self::AutoOr((word, _), numbers) => {
                let numbers: Vec<String> = numbers.iter().map(|n| n.0.to_string()).collect();
                write!(f, "one of {word}, {}", numbers.join(", "))
            }
            Self::Choice(words) => {
                let words: Vec<&str> = words.iter().map(|w| w.0).collect();
                write!(f, "one of {}", words.join(", "))
            }
        }
    }
}

impl Domain {
    /// Returns `value` as it is stored, or `None` if it is not accepted.
    pub(super) fn accept(&self, value: &Value) -> Option<Value> {
        let accepted = match (self, value) {
            (Self::Int(low, high), Value::Integer(v)) => (low..=high).contains(&v),
            (Self::OneOf(values), Value::Integer(v)) => values.contains(v),
            (Self::Float(low, high) | Self::LogFloat(low, high), Value::Float(v)) => (low..=high).contains(&v),
            (Self::Float(..) | Self::LogFloat(..), Value::Integer(v)) => return self.accept(&Value::Float(*v as f64)),
            (Self::Bool, Value::Boolean(_)) => true,
            (Self::Choice(_), Value::Integer(v)) => return self.accept(&Value::String(v.to_string())),
            (Self::AutoOr(_, numbers), Value::Integer(v)) => numbers.iter().any(|n| n.0 == *v),
            (Self::AutoOr((word, _), _), Value::String(v)) => word == v,
            (Self::Choice(words), Value::String(v)) => words.iter().any(|w| w.0 == v),
            _ => false,
        };
        accepted.then(|| value.clone())
    }
}

/// Formats a value without quotes and trailing digits.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}
