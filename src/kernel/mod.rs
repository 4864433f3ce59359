//! SIMD kernels on plain slices, written once for every instruction set.
//!
//! A kernel is an `#[inline(always)]` function generic over [`Isa`]. A layer enters through `dispatch!`, which compiles
//! its argument once for each instruction set and picks one at run time. Closures passed to a kernel need
//! `#[inline(always)]` as well: otherwise they are compiled without the instruction set and cost a call per vector. For
//! the same reason kernels do not `map` arrays: in a browser that can become a call, too, as the surrounding functions
//! grow.
//!
//! Functions with several callers are `#[inline(never)]` and re-enter the instruction set through `vectorize!`. Inlined
//! at every call they would make the page 3 kB larger, double the compile time of the tests, and run no faster.
//!
//! # The channel-blocked layout
//!
//! Activations are stored as (C / L, M, L): L is the number of lanes of a vector (8 on x86, 4 in the browser) and M
//! counts the pixels of all images, one image after another. Every channel count inside a MobileNetV2 is a multiple of
//! 8, so there is no remainder. Each kernel then walks contiguous memory:
//!
//! - the matrix product reads L values of a pixel, or of several neighbouring ones, from one place;
//! - a depthwise convolution sees each image's plane of L channels as one small contiguous picture;
//! - per-channel sums over pixels stay in a register.
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

/// An instruction set: the vector types that kernels use. L is 8 with AVX-512, too, because not all channel counts of
/// the narrow tensors are multiples of 16.
pub trait Isa: Simd {
    /// A block of L channels of a pixel.
    type Vector: SimdFloat<Self, Element = f32> + SimdCombine<Self, Combined = Self::Pair>;
    /// Two blocks, which the matrix product and the weights' gradient compute at once.
    type Pair: SimdFloat<Self, Element = f32> + SimdSplit<Self, Split = Self::Vector>;
    /// Whether a pair fits one register; there are thirty-two of them then.
    const WIDE: bool = false;
    /// Whether `min` and `max` return the other operand if one is NaN, whatever their order.
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

/// Channels of the widest block on any instruction set; every channel count is a multiple of it.
pub const MAX_LANES: usize = 8;

/// Rounds a number of channels up to whole blocks on every instruction set.
pub const fn padded(channels: usize) -> usize {
    channels.next_multiple_of(MAX_LANES)
}

/// The best instruction set of this machine that the kernels use: AVX-512, AVX2 with FMA, NEON, wasm's simd128 (with
/// relaxed FMA if the build enables it), else scalar code.
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

/// L: channels per block on an instruction set.
pub fn lanes(level: Level) -> usize {
    #[inline(always)]
    fn lanes<S: Isa>(_: S) -> usize {
        S::Vector::LEN
    }
    dispatch!(level, simd => lanes(simd))
}

/// Whether two instruction sets give bit-identical results. Vectors of equal length add their terms in the same order;
/// rounding agrees if both fuse multiplication and addition, or neither does. NEON fuses, scalar code with as many
/// lanes does not.
#[cfg(all(test, not(target_arch = "wasm32")))]
pub fn same_to_the_bit(one: Level, other: Level) -> bool {
    #[inline(always)]
    fn fuses<S: Isa>(simd: S) -> bool {
        // (1 + e)² - (1 + 2e) is e², which is lost if the product is rounded first.
        let [x, rest] = [1.0 + 1.0 / 4096.0, -1.0 - 2.0 / 4096.0].map(|value| S::Vector::splat(simd, value));
        x.mul_add(x, rest).as_slice()[0] != 0.0
    }
    let fuses = |level| dispatch!(level, simd => fuses(simd));
    lanes(one) == lanes(other) && fuses(one) == fuses(other)
}

/// Hides `number` from the compiler in the browser, so that a loop that may end at it keeps its order. Otherwise LLVM
/// sorts products by the sum they are added to; the operands of all other sums then wait on the stack, since there are
/// too few registers.
#[inline(always)]
fn optimisation_barrier(number: usize) -> usize {
    if cfg!(target_arch = "wasm32") { std::hint::black_box(number) } else { number }
}

/// Runs `$body`, compiled for the instruction set of `$simd`, in a function that is not inlined.
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
