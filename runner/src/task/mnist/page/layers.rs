//! What the convolutions see: the filters of the first, and the feature maps of both.

use minitorch_core::{Backend, Element, Tensor};

use super::picture;
use crate::data::{Digits, PIXELS, SIDE};
use crate::error::Failure;
use crate::report::{Html, Picture, section};
use crate::task::mnist::{Loader, Network, View};

/// Width and height of a filter.
const FILTER: usize = 3;

/// An image on its way through the convolutions.
struct Row {
    label: u8,
    /// Its place among the held-out images.
    index: usize,
    image: Picture,
    /// The maps of the first convolution, and of the second.
    maps: [Vec<Picture>; 2],
}

/// The filters and the maps of some held-out images: of each digit the first.
pub(super) fn show<B: Backend>(
    html: &mut Html,
    device: &B,
    network: &Network<B>,
    normalise: bool,
    digits: &Digits,
) -> Result<(), Failure> {
    let filters = filters(network)?;
    let rows = rows(device, network, normalise, digits)?;
    section(
        html,
        "filters",
        "Filters of the first convolution",
        |html| {
            let about = "Three by three weights each: negative ones are blue, positive ones orange, the largest of all \
                     filters full. The page shows through where a weight is small.";
            html.leaf("p", &[], about);
            html.element("div", &[("class", "filters")], |html| {
                for (index, (filter, description)) in filters.iter().enumerate() {
                    html.element("figure", &[], |figure| {
                        filter.show(figure, description);
                        figure.leaf("figcaption", &[], index + 1);
                    });
                }
            });
        },
    );
    section(html, "maps", "Feature maps", |html| {
        let about = "What both convolutions make of some held-out images, of each digit the first. White is the largest \
                     value of a layer on this image, black is 0.";
        html.leaf("p", &[], about);
        html.element("div", &[("class", "wide")], |html| {
            html.element("table", &[("class", "maps")], |table| {
                table.element("thead", &[], |head| {
                    head.element("tr", &[], |row| {
                        row.leaf("th", &[("scope", "col"), ("colspan", "2")], "Image");
                        row.leaf("th", &[("scope", "col")], "After the first");
                        row.leaf("th", &[("scope", "col")], "After the second");
                    });
                });
                table.element("tbody", &[], |body| {
                    rows.iter().for_each(|row| row.show(body))
                });
            });
        });
    });
    Ok(())
}

/// The filters with what is said to those who cannot see them: their weights.
fn filters<B: Backend>(network: &Network<B>) -> Result<Vec<(Picture, String)>, Failure> {
    let weights = numbers(network.filters())?;
    let largest = largest(&weights);
    let filter = |weights: &[f64]| {
        let picture = Picture::signed(FILTER, weights.iter().map(|weight| weight / largest))?;
        let rows = weights.chunks(FILTER).map(|row| {
            let row: Vec<String> = row.iter().map(|weight| format!("{weight:.3}")).collect();
            row.join(" ")
        });
        Ok((picture, rows.collect::<Vec<_>>().join(" / ")))
    };
    weights.chunks_exact(FILTER * FILTER).map(filter).collect()
}

/// Of each digit that is there, the first image.
fn rows<B: Backend>(
    device: &B,
    network: &Network<B>,
    normalise: bool,
    digits: &Digits,
) -> Result<Vec<Row>, Failure> {
    let labels = digits.labels();
    let first = |digit| labels.iter().position(|&label| label == digit);
    let chosen: Vec<usize> = (0..10).filter_map(first).collect();
    let mut loader = Loader::new(device, digits, chosen.len(), normalise)?;
    let batch = loader.load(chosen.iter().copied().map(View::plain))?;
    let first = network.first_maps(&batch.images)?;
    let second = network.second_maps(&first)?;
    let maps = [maps(&first, chosen.len())?, maps(&second, chosen.len())?];
    let [first, second] = maps.map(Vec::into_iter);
    let row = |((&index, first), second)| {
        Ok(Row {
            label: labels[index],
            index,
            image: picture(digits.image(index))?,
            maps: [first, second],
        })
    };
    chosen.iter().zip(first).zip(second).map(row).collect()
}

/// The maps `[images, channels, 28, 28]` of each image, on a scale of its own.
fn maps<B: Backend>(maps: &Tensor<B>, images: usize) -> Result<Vec<Vec<Picture>>, Failure> {
    let values = numbers(maps)?;
    let each = values.chunks_exact(values.len() / images);
    each.map(|values| {
        let largest = largest(values);
        // As NaN casts to 0, what is no number is black.
        let grey = |value: &f64| (255.0 * value / largest).round() as u8;
        let pixels: Vec<u8> = values.iter().map(grey).collect();
        let maps = pixels.chunks_exact(PIXELS);
        maps.map(|map| Picture::grey(SIDE, map)).collect()
    })
    .collect()
}

impl Row {
    fn show(&self, body: &mut Html) {
        body.element("tr", &[], |row| {
            row.leaf("th", &[("scope", "row")], self.label);
            let description = format!("held-out image {}", self.index);
            row.element("td", &[], |cell| self.image.show(cell, &description));
            for maps in &self.maps {
                row.element("td", &[], |cell| {
                    cell.element("div", &[("class", "strip")], |strip| {
                        for (index, map) in maps.iter().enumerate() {
                            map.show(strip, &format!("feature map {}", index + 1));
                        }
                    });
                });
            }
        });
    }
}

fn numbers<B: Backend>(tensor: &Tensor<B>) -> Result<Vec<f64>, Failure> {
    Ok(tensor
        .try_to_vec()?
        .into_iter()
        .map(Element::to_f64)
        .collect())
}

/// The largest size of a number, or 1 where all are 0 and something is divided by it.
fn largest(values: &[f64]) -> f64 {
    let sizes = values.iter().map(|value| value.abs());
    let largest = sizes.filter(|size| size.is_finite()).fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}
