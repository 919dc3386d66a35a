//! Python's `random.random()`, so that runs of MiniTorch can be repeated number by number.

const N: usize = 624;
const M: usize = 397;

/// The generator MT19937 (Matsumoto and Nishimura 1998) as Python's `random` module seeds and uses it.
///
/// ```
/// use runner::data::PythonRandom;
///
/// let mut random = PythonRandom::new(0); // random.seed(0)
/// assert_eq!(random.uniform(), 0.8444218515250481); // random.random()
/// assert_eq!(random.uniform(), 0.7579544029403025);
/// ```
#[derive(Clone, Debug)]
pub struct PythonRandom {
    state: [u32; N],
    /// How many words of the state are used up.
    used: usize,
}

impl PythonRandom {
    /// The generator after `random.seed(seed)`.
    pub fn new(seed: u64) -> Self {
        // Python hands the seed over as an array of 32-bit words, the least significant one first, without leading
        // zeros: `init_by_array` of the authors' program.
        let words = [seed as u32, (seed >> 32) as u32];
        let key = &words[..if words[1] == 0 { 1 } else { 2 }];
        let mut state = [0u32; N];
        state[0] = 19_650_218;
        for i in 1..N {
            state[i] = mixed(state[i - 1], 1_812_433_253).wrapping_add(i as u32);
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..N {
            state[i] = (state[i] ^ mixed(state[i - 1], 1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            j = (j + 1) % key.len();
            i = following(&mut state, i);
        }
        for _ in 1..N {
            state[i] = (state[i] ^ mixed(state[i - 1], 1_566_083_941)).wrapping_sub(i as u32);
            i = following(&mut state, i);
        }
        state[0] = 1 << 31;
        Self { state, used: N }
    }

    /// A number in `[0, 1)`, a multiple of `2^-53`.
    pub fn uniform(&mut self) -> f64 {
        let (high, low) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    fn next_u32(&mut self) -> u32 {
        if self.used == N {
            self.twist();
        }
        let mut y = self.state[self.used];
        self.used += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn twist(&mut self) {
        for k in 0..N {
            let y = (self.state[k] & (1 << 31)) | (self.state[(k + 1) % N] & !(1 << 31));
            let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[k] = self.state[(k + M) % N] ^ (y >> 1) ^ odd;
        }
        self.used = 0;
    }
}

fn mixed(word: u32, factor: u32) -> u32 {
    (word ^ (word >> 30)).wrapping_mul(factor)
}

/// The index after `i`, where the last word wraps around to the first.
fn following(state: &mut [u32; N], i: usize) -> usize {
    if i + 1 < N {
        return i + 1;
    }
    state[0] = state[N - 1];
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CPython 3.11 prints for `random.seed(s); [random.random() for _ in range(700)]`: the first number and the
    /// last, which lies beyond the first 624 words.
    #[test]
    fn numbers_are_pythons() {
        for (seed, first, last) in KNOWN {
            let mut random = PythonRandom::new(seed);
            assert_eq!(random.uniform(), first, "seed {seed}");
            let rest: Vec<f64> = (1..700).map(|_| random.uniform()).collect();
            assert_eq!(rest[698], last, "seed {seed}");
        }
    }

    const KNOWN: [(u64, f64, f64); 6] = [
        (0, 0.8444218515250481, 0.05699047999950346),
        (1, 0.13436424411240122, 0.24309173409213014),
        (42, 0.6394267984578837, 0.5445623787105787),
        (4294967295, 0.6353574441341173, 0.34564689050697883),
        (4294967296, 0.11299430095636409, 0.1357159377093965),
        (9223372036854788153, 0.30477471939133105, 0.4190521104327253),
    ];
}
