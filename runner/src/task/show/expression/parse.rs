//! Expressions such as `x*y + log(x)`, read into steps that are carried out one after the other.
//!
//! ```text
//! comparison = sum [("<" | ">" | "==") sum]
//! sum        = product {("+" | "-") product}
//! product    = factor {("*" | "/") factor}
//! factor     = "-" factor | number | name | function "(" comparison ")" | "(" comparison ")"
//! ```

use minitorch_core::{Result as Computed, Scalar};

use crate::error::Failure;

/// The most bytes of an expression.
const LONGEST: usize = 1000;
/// The most parentheses and minus signs inside of each other.
const DEEPEST: usize = 100;

/// A function of one number.
type One = fn(&Scalar) -> Computed<Scalar>;
/// A function of two numbers.
type Two = fn(&Scalar, &Scalar) -> Computed<Scalar>;

const COMPARISONS: [(&str, Two); 3] = [
    ("<", Scalar::try_lt),
    (">", Scalar::try_gt),
    ("==", Scalar::try_eq),
];
const SUMS: [(&str, Two); 2] = [("+", Scalar::try_add), ("-", Scalar::try_sub)];
const PRODUCTS: [(&str, Two); 2] = [("*", Scalar::try_mul), ("/", Scalar::try_div)];
const MINUS: [(&str, One); 1] = [("-", Scalar::try_neg)];
const FUNCTIONS: [(&str, One); 10] = [
    ("abs", Scalar::try_abs),
    ("cos", Scalar::try_cos),
    ("exp", Scalar::try_exp),
    ("inv", Scalar::try_inv),
    ("log", Scalar::try_log),
    ("relu", Scalar::try_relu),
    ("sigmoid", Scalar::try_sigmoid),
    ("sin", Scalar::try_sin),
    ("sqrt", Scalar::try_sqrt),
    ("tanh", Scalar::try_tanh),
];

/// One step of an expression. Operands are the numbers of earlier steps.
pub(super) enum Step {
    Number(f64),
    /// A variable: one step, however often it is used.
    Name(String),
    One(One, usize),
    Two(Two, usize, usize),
}

/// The steps of an expression; the last one gives its value.
///
/// # Errors
///
/// [`Failure::usage`] with the byte, counted from 0, where the text stops to be an expression.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, Failure> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        steps: Vec::new(),
    };
    if text.len() > LONGEST {
        let what = format!("the expression goes on, but {LONGEST} bytes are the most");
        return Err(failure(LONGEST, &what));
    }
    parser.comparison()?;
    match parser.rest().chars().next() {
        None => Ok(parser.steps),
        Some('<' | '>' | '=') => Err(failure(
            parser.at,
            "comparisons do not follow each other; use parentheses",
        )),
        Some(_) => Err(parser.expected("an operator")),
    }
}

fn failure(byte: usize, what: &str) -> Failure {
    Failure::usage(format!("expression: byte {byte}: {what}"))
}

struct Parser<'a> {
    text: &'a str,
    /// The next byte, always the first of a character.
    at: usize,
    depth: usize,
    steps: Vec<Step>,
}

impl<'a> Parser<'a> {
    fn comparison(&mut self) -> Result<usize, Failure> {
        let left = self.sum()?;
        match self.operator(&COMPARISONS) {
            None => Ok(left),
            Some(apply) => {
                let right = self.sum()?;
                Ok(self.push(Step::Two(apply, left, right)))
            }
        }
    }

    fn sum(&mut self) -> Result<usize, Failure> {
        self.chain(&SUMS, Self::product)
    }

    fn product(&mut self) -> Result<usize, Failure> {
        self.chain(&PRODUCTS, Self::factor)
    }

    /// Operands with operators between them, grouped from the left.
    fn chain(
        &mut self,
        operators: &[(&str, Two)],
        operand: fn(&mut Self) -> Result<usize, Failure>,
    ) -> Result<usize, Failure> {
        let mut left = operand(self)?;
        while let Some(apply) = self.operator(operators) {
            let right = operand(self)?;
            left = self.push(Step::Two(apply, left, right));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<usize, Failure> {
        if let Some(apply) = self.operator(&MINUS) {
            let operand = self.deeper(Self::factor)?;
            return Ok(self.push(Step::One(apply, operand)));
        }
        match self.rest().bytes().next() {
            Some(b'(') => self.parenthesis(),
            Some(b'0'..=b'9' | b'.') => self.number(),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => self.name(),
            _ => Err(self.expected("a number, a name or (")),
        }
    }

    fn parenthesis(&mut self) -> Result<usize, Failure> {
        self.expect('(')?;
        let inside = self.deeper(Self::comparison)?;
        self.expect(')')?;
        Ok(inside)
    }

    fn number(&mut self) -> Result<usize, Failure> {
        let rest = self.rest();
        let digits = |from: usize| {
            let bytes = rest.bytes().skip(from);
            bytes.take_while(u8::is_ascii_digit).count()
        };
        let byte = |at: usize| rest.as_bytes().get(at);
        let mut end = digits(0);
        if byte(end) == Some(&b'.') {
            end += 1 + digits(end + 1);
        }
        if matches!(byte(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(byte(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > 0 {
                end += 1 + sign + exponent;
            }
        }
        match rest[..end].parse::<f64>() {
            Ok(value) if value.is_finite() => {
                self.at += end;
                Ok(self.push(Step::Number(value)))
            }
            Ok(_) => Err(failure(self.at, "a number is too large")),
            Err(_) => Err(self.expected("a number")),
        }
    }

    fn name(&mut self) -> Result<usize, Failure> {
        let (start, rest) = (self.at, self.rest());
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = &rest[..rest.find(|c| !inside(c)).unwrap_or(rest.len())];
        self.at += name.len();
        let function = FUNCTIONS.iter().find(|(function, _)| *function == name);
        if let Some((_, apply)) = function {
            let operand = self.parenthesis()?;
            return Ok(self.push(Step::One(*apply, operand)));
        }
        if self.rest().starts_with('(') {
            let known = FUNCTIONS.map(|(name, _)| name).join(", ");
            let what = format!("there is no function of this name; there are {known}");
            return Err(failure(start, &what));
        }
        let same = |step: &Step| matches!(step, Step::Name(known) if known == name);
        Ok(match self.steps.iter().position(same) {
            Some(step) => step,
            None => self.push(Step::Name(name.to_string())),
        })
    }

    /// What is left to read, from the next character that is not blank.
    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_ascii_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    /// The operator of the table that comes next, if one does.
    fn operator<F: Copy>(&mut self, table: &[(&str, F)]) -> Option<F> {
        let rest = self.rest();
        let found = table.iter().find(|(symbol, _)| rest.starts_with(symbol));
        found.map(|(symbol, apply)| {
            self.at += symbol.len();
            *apply
        })
    }

    fn expect(&mut self, wanted: char) -> Result<(), Failure> {
        if self.rest().starts_with(wanted) {
            self.at += wanted.len_utf8();
            Ok(())
        } else {
            Err(self.expected(&wanted.to_string()))
        }
    }

    fn expected(&mut self, what: &str) -> Failure {
        let found = match self.rest().chars().next() {
            None => "the end".to_string(),
            Some(c) => format!("{c:?}"),
        };
        failure(self.at, &format!("{what} is expected, not {found}"))
    }

    fn deeper(
        &mut self,
        inside: fn(&mut Self) -> Result<usize, Failure>,
    ) -> Result<usize, Failure> {
        if self.depth == DEEPEST {
            let what = format!("more than {DEEPEST} parentheses or minus signs inside each other");
            return Err(failure(self.at, &what));
        }
        self.depth += 1;
        let step = inside(self)?;
        self.depth -= 1;
        Ok(step)
    }

    fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }
}
