// The text of the answers: the same for the same prompt, as with the fixed seed of the real worker.
#pragma once

#include <string>

namespace rbee_sim {

// The i-th token of the answer to a prompt. A sum such as "2+2=" is answered with its result, so
// that a reader can tell a right answer from noise.
std::string Token(const std::string& prompt, int i);

// What the real worker writes for it: with the token before it once more, from the second on; one
// more event after the last of `count` repeats that one alone.
std::string RepeatedToken(const std::string& prompt, int i, int count);

}  // namespace rbee_sim
