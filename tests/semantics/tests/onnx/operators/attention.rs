//! Attention, and the rotation of its operands by their position.

use super::{Operator, Outcome, T};
use crate::call::{Call, one};
use minitorch_core::Result;

pub(super) const OPERATORS: &[(&str, Operator)] =
    &[("Attention", attention), ("RotaryEmbedding", rotary)];

/// `softmax(Q * K^T * scale + mask) * V` of `[b, heads, length, size]` or, with the heads of each position side by
/// side, `[b, length, heads * size]`. Keys and values of the past come first; few heads of them may serve many queries.
fn attention(c: &Call<'_>) -> Outcome {
    let flat = c.tensor(0)?.rank() == 3;
    let heads = |at: usize, name: &str| match flat {
        true => split_heads(c.tensor(at)?, c.size(name, 1)?),
        false => Ok(c.tensor(at)?.clone()),
    };
    let query = heads(0, "q_num_heads")?;
    let joined = |at: usize, past: usize| -> Outcome<T> {
        let new = heads(at, "kv_num_heads")?;
        match c.optional(past) {
            Some(past) => Ok(T::try_cat(&[past.clone(), new], 2)?),
            None => Ok(new),
        }
    };
    let (keys, values) = (joined(1, 4)?, joined(2, 5)?);
    let (present_keys, present_values) = (keys.clone(), values.clone());
    let times = query.shape()[1] / keys.shape()[1];
    let (keys, values) = (repeated(&keys, times)?, repeated(&values, times)?);

    // The root of the scale with each operand, which keeps the products small.
    let size = query.shape()[3] as f64;
    let scale = c.float("scale", 1.0 / size.sqrt()).sqrt();
    let keys = keys.try_mul_scalar(scale)?.try_transpose(2, 3)?;
    let product = query.try_mul_scalar(scale)?.try_matmul(&keys)?;
    let mut biased = product.clone();
    for mask in masks(c, &product)? {
        biased = biased.try_add(&mask)?;
    }
    let capped = match c.float("softcap", 0.0) {
        0.0 => biased.clone(),
        cap => biased
            .try_div_scalar(cap)?
            .try_tanh()?
            .try_mul_scalar(cap)?,
    };
    let shares = capped.try_softmax(3)?;
    let out = shares.try_matmul(&values)?;
    let out = if flat { join_heads(&out)? } else { out };
    let shown = [product, biased, capped, shares];
    let shown = shown.get(c.size("qk_matmul_output_mode", 0)?);
    let shown = shown.ok_or("no such matrix to show")?.clone();
    Ok(vec![out, present_keys, present_values, shown])
}

/// `[b, length, heads * size]` becomes `[b, heads, length, size]`.
fn split_heads(x: &T, heads: usize) -> Outcome<T> {
    let [b, length, width] = x.shape()[..] else {
        return Err("three axes are needed".into());
    };
    let split = x.try_reshape([b, length, heads, width / heads])?;
    Ok(split.try_transpose(1, 2)?)
}

/// `[b, heads, length, size]` becomes `[b, length, heads * size]`.
fn join_heads(x: &T) -> Outcome<T> {
    let [b, heads, length, size] = x.shape()[..] else {
        return Err("four axes are needed".into());
    };
    Ok(x.try_transpose(1, 2)?
        .try_reshape([b, length, heads * size])?)
}

/// Each head several times.
fn repeated(x: &T, times: usize) -> Outcome<T> {
    let [b, heads, length, size] = x.shape()[..] else {
        return Err("four axes are needed".into());
    };
    let many = x.try_unsqueeze(2)?;
    let many = many.try_expand([b, heads, times, length, size])?;
    Ok(many.try_reshape([b, heads * times, length, size])?)
}

/// What is added to `[b, heads, queries, keys]`: 0 or a number, and minus infinity at keys that a query must not see.
fn masks(c: &Call<'_>, product: &T) -> Outcome<Vec<T>> {
    let (queries, keys) = (product.shape()[2], product.shape()[3]);
    let key = T::try_arange(c.device, 0.0, keys, 1.0)?;
    let mut masks = Vec::new();
    if let Some(given) = c.optional(3) {
        let last = given.rank() - 1;
        let mask = match c.is_bool(3) {
            true => visible(given)?,
            false => given.clone(),
        };
        // Keys that the mask does not reach are not seen.
        let missing = (keys - given.shape()[last]).try_into()?;
        let lowest = f64::NEG_INFINITY;
        masks.push(super::movement::padded(&mask, last, 0, missing, lowest)?);
    }
    if c.flag("is_causal") {
        let past = c.optional(4).map_or(0, |past| past.shape()[2]);
        let query = T::try_arange(c.device, past as f64, queries, 1.0)?;
        masks.push(visible(&query.try_reshape([queries, 1])?.try_ge(&key)?)?);
    }
    if let Some(lengths) = c.optional(6) {
        let lengths = lengths.try_reshape([lengths.elements(), 1, 1, 1])?;
        masks.push(visible(&key.try_lt(&lengths)?)?);
    }
    Ok(masks)
}

/// 0 where the condition holds, else minus infinity.
fn visible(condition: &T) -> Result<T> {
    let constant = |x: f64| T::try_full(condition.device(), [], x);
    condition.try_where_else(&constant(0.0)?, &constant(f64::NEG_INFINITY)?)
}

/// Turns pairs of numbers of each head by angles of their position (Su et al. 2021), given as cosines and sines.
fn rotary(c: &Call<'_>) -> Outcome {
    let flat = c.tensor(0)?.rank() == 3;
    let heads = match flat {
        true => split_heads(c.tensor(0)?, c.size("num_heads", 1)?)?,
        false => c.tensor(0)?.clone(),
    };
    let [b, count, length, size] = heads.shape()[..] else {
        return Err("four axes are needed".into());
    };
    let turned = match c.size("rotary_embedding_dim", 0)? {
        0 => size,
        some => some,
    };
    let half = turned / 2;
    let angles = |at: usize| -> Outcome<T> {
        let table = c.tensor(at)?;
        let rows = match c.optional(3) {
            Some(_) => table.try_rows(&c.index(&c.sizes(3)?)?)?,
            None => table.clone(),
        };
        Ok(rows.try_reshape([b, 1, length, half])?)
    };
    let (cos, sin) = (angles(1)?, angles(2)?);
    let interleaved = c.flag("interleaved");
    // The first of each pair, or the second.
    let ones = |second: usize| match interleaved {
        true => heads.try_slice(3, second, half, 2),
        false => heads.try_narrow(3, second * half, half),
    };
    let (x, y) = (ones(0)?, ones(1)?);
    let real = x.try_mul(&cos)?.try_sub(&y.try_mul(&sin)?)?;
    let imaginary = x.try_mul(&sin)?.try_add(&y.try_mul(&cos)?)?;
    let pair = [real, imaginary];
    let front = match interleaved {
        true => T::try_stack(&pair, 4)?.try_reshape([b, count, length, turned])?,
        false => T::try_cat(&pair, 3)?,
    };
    let rest = heads.try_narrow(3, turned, size - turned)?;
    let out = T::try_cat(&[front, rest], 3)?;
    one(if flat { join_heads(&out)? } else { out })
}
