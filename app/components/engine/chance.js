// Random numbers from a counter: the twin of ali_core/training/counter.py, number for number.
const TURNS = [[13, 15, 26, 6], [17, 29, 16, 24]], PARITY = 0x1bd11bda;

// The two words of every place of a stream (Threefry-2x32 of 20 rounds), one after the other.
export function words(seed, step, stream, places) {
  const keys = [seed | 0, step | 0, seed ^ step ^ PARITY], found = new Uint32Array(2 * places);
  for (let place = 0; place < places; place++) {
    let a = (stream + keys[0]) | 0, b = (place + keys[1]) | 0;
    for (let round = 0; round < 5; round++) {
      for (const turn of TURNS[round & 1]) {
        a = (a + b) | 0;
        b = ((b << turn) | (b >>> (32 - turn))) ^ a;
      }
      a = (a + keys[(round + 1) % 3]) | 0;
      b = (b + keys[(round + 2) % 3] + round + 1) | 0;
    }
    found[2 * place] = a;
    found[2 * place + 1] = b;
  }
  return found;
}

// n whole numbers from 0 to below - 1.
export function whole(seed, step, stream, n, below) {
  const drawn = words(seed, step, stream, n);
  return Int32Array.from({ length: n }, (_, i) => Math.floor((drawn[2 * i] * below) / 2 ** 32));
}

// n numbers in [0, 1), multiples of 2^-24.
export function uniform(seed, step, stream, n) {
  const drawn = words(seed, step, stream, Math.ceil(n / 2)), found = new Float32Array(n);
  for (let i = 0; i < n; i++) found[i] = (drawn[i] >>> 8) / 2 ** 24;
  return found;
}

// n draws of N(0, 1), a pair a place.
export function normal(seed, step, stream, n) {
  const drawn = words(seed, step, stream, Math.ceil(n / 2)), found = new Float32Array(n);
  for (let i = 0; i < n; i += 2) {
    const length = Math.sqrt(-2 * Math.log((drawn[i] + 0.5) / 2 ** 32)), angle = drawn[i + 1] * ((2 * Math.PI) / 2 ** 32);
    found[i] = length * Math.cos(angle);
    if (i + 1 < n) found[i + 1] = length * Math.sin(angle);
  }
  return found;
}
