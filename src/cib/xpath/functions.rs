//! The functions of XPath 1.0.

use std::ops::RangeInclusive;

use super::XPathError;
use super::ast::Expr;
use super::eval::{Context, Evaluated, Evaluation};
use super::value::{Item, Value, name_of, number_of, text_of};

const MANY: usize = 64;

/// How many arguments a function takes; none if there is no such function.
pub(super) fn arguments(name: &str) -> Option<RangeInclusive<usize>> {
    Some(match name {
        "last" | "position" | "true" | "false" => 0..=0,
        "name" | "local-name" | "namespace-uri" | "string" | "string-length"
        | "normalize-space" | "number" => 0..=1,
        "count" | "sum" | "id" | "not" | "boolean" | "floor" | "ceiling" | "round" | "lang" => {
            1..=1
        }
        "starts-with" | "contains" | "substring-before" | "substring-after" => 2..=2,
        "substring" => 2..=3,
        "translate" => 3..=3,
        "concat" => 2..=MANY,
        _ => return None,
    })
}

pub(super) fn call(
    evaluation: &mut Evaluation,
    name: &str,
    arguments: &[Expr],
    context: Context,
) -> Evaluated {
    let mut values = Vec::new();
    for argument in arguments {
        values.push(evaluation.value(argument, context)?);
    }
    let call = Call {
        evaluation,
        values,
        context,
    };
    match name {
        "last" => Ok(Value::Number(context.size as f64)),
        "position" => Ok(Value::Number(context.position as f64)),
        "true" => Ok(Value::Flag(true)),
        "false" | "lang" => Ok(Value::Flag(false)),
        "not" => Ok(Value::Flag(!call.flag())),
        "boolean" => Ok(Value::Flag(call.flag())),
        "name" | "local-name" | "count" | "sum" | "id" => call.of_nodes(name),
        "namespace-uri" => Ok(Value::Text(String::new())),
        "number" | "floor" | "ceiling" | "round" => Ok(Value::Number(call.of_number(name))),
        _ => Ok(call.of_text(name)),
    }
}

struct Call<'e, 'd> {
    evaluation: &'e mut Evaluation<'d>,
    values: Vec<Value>,
    context: Context,
}

impl Call<'_, '_> {
    fn flag(&self) -> bool {
        self.values.first().is_some_and(Value::flag)
    }

    /// An argument as text; the node itself if it is left out.
    fn text(&self, index: usize) -> String {
        match self.values.get(index) {
            Some(value) => value.text(self.evaluation.doc),
            None => self.context.item.map_or(String::new(), |item| {
                text_of(self.evaluation.doc, item).into_owned()
            }),
        }
    }

    fn number(&self, index: usize) -> f64 {
        match self.values.get(index) {
            Some(value) => value.number(self.evaluation.doc),
            None => number_of(&self.text(index)),
        }
    }

    fn nodes(&self) -> Result<Vec<Item>, XPathError> {
        match self.values.first() {
            None => Ok(self.context.item.into_iter().collect()),
            Some(Value::Nodes(items)) => Ok(items.clone()),
            Some(_) => Err(XPathError::NoNodes),
        }
    }

    fn of_nodes(&self, name: &str) -> Evaluated {
        let doc = self.evaluation.doc;
        if name == "id" {
            return Ok(Value::Nodes(self.by_ids()));
        }
        let items = self.nodes()?;
        Ok(match name {
            "count" => Value::Number(items.len() as f64),
            "sum" => Value::Number(items.iter().map(|&i| number_of(&text_of(doc, i))).sum()),
            _ => Value::Text(items.first().map_or("", |&i| name_of(doc, i)).to_owned()),
        })
    }

    /// Without a DTD no attribute is of type ID, except `xml:id`: libxml2 finds nothing either.
    fn by_ids(&self) -> Vec<Item> {
        Vec::new()
    }

    fn of_number(&self, name: &str) -> f64 {
        let number = self.number(0);
        match name {
            "floor" => number.floor(),
            "ceiling" => number.ceil(),
            "round" => (number + 0.5).floor(),
            _ => number,
        }
    }

    fn of_text(&self, name: &str) -> Value {
        let text = self.text(0);
        let second = || self.text(1);
        Value::Text(match name {
            "string" => text,
            "concat" => (0..self.values.len()).map(|i| self.text(i)).collect(),
            "normalize-space" => text.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
            "substring-before" => text
                .split_once(&second())
                .map_or(String::new(), |(before, _)| before.to_owned()),
            "substring-after" => text
                .split_once(&second())
                .map_or(String::new(), |(_, after)| after.to_owned()),
            "substring" => self.substring(&text),
            "translate" => translated(&text, &second(), &self.text(2)),
            "starts-with" => return Value::Flag(text.starts_with(&second())),
            "contains" => return Value::Flag(text.contains(&second())),
            _ => return Value::Number(text.chars().count() as f64),
        })
    }

    fn substring(&self, text: &str) -> String {
        let round = |number: f64| (number + 0.5).floor();
        let start = round(self.number(1));
        let end = match self.values.len() {
            3 => start + round(self.number(2)),
            _ => f64::INFINITY,
        };
        text.chars()
            .enumerate()
            .filter(|(at, _)| {
                let position = (at + 1) as f64;
                position >= start && position < end
            })
            .map(|(_, c)| c)
            .collect()
    }
}

fn translated(text: &str, from: &str, to: &str) -> String {
    text.chars()
        .filter_map(|c| match from.chars().position(|f| f == c) {
            Some(at) => to.chars().nth(at),
            None => Some(c),
        })
        .collect()
}
