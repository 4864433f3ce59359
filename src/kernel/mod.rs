//! SIMD kernels on plain slices, written once for every instruction set.
//!
//! A kernel is an `#[inline(always)]` function generic over [`Isa`]; a layer enters through `dispatch!`, which
//! compiles its argument once for each instruction set and picks one at run time. Closures passed to a kernel need the
//! attribute as well: one that is not inlined is compiled without the instruction set, and costs a call a vector. For the
//! same reason kernels do not `map` arrays: in a browser that can be a call, too, as the functions around it grow.
//!
//! What several places use is `#[inline(never)]` and enters its instruction set anew by `vectorize!`: copied to each place
//! it would make the page 3 kB larger, and the tests' build take twice as long, and be no faster.
//!
//! # The channel-blocked layout
//!
//! Activations lie as (C / L, M, L): L is the number of lanes of a vector (8 on x86, 4 in the browser) and M
//! counts pixels, of all images one after another. Every channel count inside a MobileNetV2 is a multiple of 8,
//! so there is no remainder. Each kernel then walks contiguous memory:
//!
//! - the matrix product takes L values of a pixel, or of several neighbouring ones, from one place;
//! - a depthwise convolution sees each image's plane of L channels as one small contiguous picture;
//! - sums over pixels, one a channel, stay in a register.
//!
//! Images, logits and weights are not blocked: the layout never leaves the network.

use fearless_simd::Level;

pub mod depthwise;
pub mod elementwise;
pub mod im2col;
pub mod matmul;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties;
#[cfg(test)]
pub mod reference;
pub mod sums;

pub use fearless_simd::{Select, SimdBase, SimdFloat};
use fearless_simd::{Simd, SimdCombine, SimdSplit};

/// An instruction set, by the vectors that kernels use of it. L is 8 with AVX-512, too: of the narrow tensors' numbers of
/// channels not all are multiples of 16.
pub trait Isa: Simd {
    /// A block of L channels of a pixel.
    type Vector: SimdFloat<Self, Element = f32> + SimdCombine<Self, Combined = Self::Pair>;
    /// Two blocks, as the matrix product and the weights' gradient compute them at once.
    type Pair: SimdFloat<Self, Element = f32> + SimdSplit<Self, Split = Self::Vector>;
    /// Whether a pair fits into one register. There are thirty-two, then.
    const WIDE: bool = false;
    /// Whether of two values one of which is not a number `min` and `max` take the other one, whatever their order.
    const DROPS_NAN: bool = false;
}

#[cfg(target_arch = "x86_64")]
impl Isa for fearless_simd::Avx512 {
    type Vector = fearless_simd::f32x8<Self>;
    type Pair = fearless_simd::f32x16<Self>;
    const WIDE: bool = true;
}

#[cfg(target_arch = "x86_64")]
impl Isa for fearless_simd::Avx2 {
    type Vector = fearless_simd::f32x8<Self>;
    type Pair = fearless_simd::f32x16<Self>;
}

#[cfg(target_arch = "aarch64")]
impl Isa for fearless_simd::Neon {
    type Vector = fearless_simd::f32x4<Self>;
    type Pair = fearless_simd::f32x8<Self>;
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Isa for fearless_simd::WasmSimd128 {
    type Vector = fearless_simd::f32x4<Self>;
    type Pair = fearless_simd::f32x8<Self>;
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
impl Isa for fearless_simd::Fallback {
    type Vector = fearless_simd::f32x4<Self>;
    type Pair = fearless_simd::f32x8<Self>;
    const DROPS_NAN: bool = true;
}

/// Channels of the widest block on any instruction set; channel counts are multiples of it.
pub const MAX_LANES: usize = 8;

/// Rounds a number of channels up to whole blocks on every instruction set.
pub const fn padded(channels: usize) -> usize {
    channels.next_multiple_of(MAX_LANES)
}

/// The widest instruction set of this machine that the kernels use: AVX-512, AVX2 with FMA, NEON, wasm's simd128 (with
/// relaxed FMA where the build enables it), else scalar code.
pub fn best_level() -> Level {
    let level = Level::new();
    #[cfg(target_arch = "x86_64")]
    return if level.as_avx2().is_some() { level } else { Level::fallback() };
    #[cfg(not(target_arch = "x86_64"))]
    level
}

/// Every instruction set that can be tested on this machine.
#[cfg(test)]
pub fn levels() -> Vec<Level> {
    let level = Level::new();
    #[cfg(target_arch = "x86_64")]
    let wide = [level.as_avx512().map(Level::Avx512), level.as_avx2().map(Level::Avx2)];
    #[cfg(not(target_arch = "x86_64"))]
    let wide = [Some(level)];
    #[cfg(not(target_arch = "wasm32"))]
    return wide.into_iter().flatten().chain([Level::fallback()]).collect();
    #[cfg(target_arch = "wasm32")]
    wide.into_iter().flatten().collect()
}

/// Channels of a block on an instruction set: L.
pub fn lanes(level: Level) -> usize {
    #[inline(always)]
    fn lanes<S: Isa>(_: S) -> usize {
        S::Vector::LEN
    }
    dispatch!(level, simd => lanes(simd))
}

/// Whether two instruction sets give the same results to the bit: sums have their terms in the same order where vectors are
/// of the same length, and are rounded alike where both fuse a product with the sum it is added to, or neither does. NEON
/// does, scalar code of as many lanes does not.
#[cfg(all(test, not(target_arch = "wasm32")))]
pub fn same_to_the_bit(one: Level, other: Level) -> bool {
    #[inline(always)]
    fn fuses<S: Isa>(simd: S) -> bool {
        // (1 + e)² - (1 + 2e) is e², which is lost where the product is rounded first.
        let [x, rest] = [1.0 + 1.0 / 4096.0, -1.0 - 2.0 / 4096.0].map(|value| S::Vector::splat(simd, value));
        x.mul_add(x, rest).as_slice()[0] != 0.0
    }
    let fuses = |level| dispatch!(level, simd => fuses(simd));
    lanes(one) == lanes(other) && fuses(one) == fuses(other)
}

/// Hides `number` from the compiler in the browser, where a loop that may end at this number stays in order. Otherwise LLVM
/// sorts products by the sum that they are added to: all that was read for the others is then kept until their turn, in the
/// stack, since there are not registers enough.
#[inline(always)]
fn optimisation_barrier(number: usize) -> usize {
    if cfg!(target_arch = "wasm32") { std::hint::black_box(number) } else { number }
}

/// Runs `$body`, within a function that is not inlined, compiled for the instruction set of `$simd`.
#[doc(hidden)] // `dispatch!` needs it
#[macro_export]
macro_rules! vectorize {
    ($simd:expr, $body:expr) => {
        fearless_simd::Simd::vectorize(
            $simd,
            #[inline(always)]
            || $body,
        )
    };
}
pub use vectorize;

/// Runs `$body`, with `$simd` bound to the token of `$level`, compiled for that instruction set.
#[doc(hidden)] // exported for benches/kernels.rs
#[macro_export]
macro_rules! dispatch {
    ($level:expr, $simd:ident => $body:expr) => {
        match $level {
            #[cfg(target_arch = "x86_64")]
            fearless_simd::Level::Avx512($simd) => $crate::kernel::vectorize!($simd, $body),
            #[cfg(target_arch = "x86_64")]
            fearless_simd::Level::Avx2($simd) => $crate::kernel::vectorize!($simd, $body),
            #[cfg(target_arch = "aarch64")]
            fearless_simd::Level::Neon($simd) => $body,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            fearless_simd::Level::WasmSimd128($simd) => $body,
            #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
            fearless_simd::Level::Fallback($simd) => $body,
            level => unreachable!("no kernels for {level:?}"),
        }
    };
}
pub use dispatch;
