/**
 * The error function, which JavaScript lacks. Two polynomials, fitted with a Chebyshev interpolant in 60
 * digits: erf(x)/x in x^2 below 1, and exp(x^2)*erfc(x) in (x - 5/2)/(x + 5/2) from 1 to 6, beyond which erf
 * rounds to 1. The second variable is the one of Shepherd and Laframboise, "Chebyshev Approximation of (1 +
 * 2x) exp(x^2) erfc x" (1981). Within 2 units in the last place of a double everywhere, so a float32 result
 * is the correctly rounded one but for ties. Generated modules embed this function as text.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a >= 6) return Math.sign(x);
  if (a < 1) {
    const z = x * x;
    let p = -7.795898827002142e-10;
    p = p * z + 1.3720064546777686e-8;
    p = p * z - 1.6208483801871705e-7;
    p = p * z + 1.6447424703317362e-6;
    p = p * z - 1.492473690741966e-5;
    p = p * z + 0.00012055294904839707;
    p = p * z - 0.0008548325975389692;
    p = p * z + 0.0052239776071164225;
    p = p * z - 0.02686617064323777;
    p = p * z + 0.11283791670945006;
    p = p * z - 0.37612638903183543;
    return x * (p * z + 1.1283791670955126);
  }
  const t = (a - 2.5) / (a + 2.5);
  let q = -1.587633893127344e-6;
  q = q * t - 2.2328516517555215e-6;
  q = q * t + 7.499735050763299e-6;
  q = q * t + 1.8596747731144528e-5;
  q = q * t - 3.4175718896856294e-5;
  q = q * t - 0.00012887483134837842;
  q = q * t + 0.0002283799633257643;
  q = q * t + 0.0008759152875774328;
  q = q * t - 0.0026423659518134547;
  q = q * t - 0.003993701160123029;
  q = q * t + 0.03992253907546523;
  q = q * t - 0.12503305237891782;
  q = q * t + 0.2517131932174488;
  q = q * t - 0.37173673394897294;
  return Math.sign(x) * (1 - Math.exp(-x * x) * (q * t + 0.2108063640611436));
}
