// Flags of rbee-sim. A flag given twice: the last one counts.
#include "tests/rbee-sim/options.h"

#include <charconv>
#include <functional>

namespace rbee_sim {
namespace {

bool ParseNumber(const std::string& text, double& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= 0;
}

// "500ms", "2s", "1m".
bool ParseTime(const std::string& text, milliseconds& out) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  const double factor = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "m" ? 60000 : 0;
  if (error != std::errc() || factor == 0 || value < 0 || value * factor > 86400000) return false;
  out = milliseconds(static_cast<long>(value * factor));
  return true;
}

bool ParseRate(const std::string& text, double& out) {
  const bool suffixed = text.ends_with("/s");
  return ParseNumber(text.substr(0, text.size() - (suffixed ? 2 : 0)), out) && out >= 0.01 &&
         out <= 10000;
}

bool ParseCount(const std::string& text, double least, double most, double& out) {
  return ParseNumber(text, out) && out >= least && out <= most && out == static_cast<int>(out);
}

bool ParseFail(const std::string& text, Options& o) {
  const std::size_t colon = text.find(':');
  double n = 0;
  if (colon == std::string::npos || !ParseCount(text.substr(colon + 1), 0, 100000, n)) return false;
  o.fail_kind = text.substr(0, colon);
  o.fail_after = static_cast<int>(n);
  for (const char* kind : {"engine-error", "error-event", "stall", "cut"}) {
    if (o.fail_kind == kind) return true;
  }
  return false;
}

bool ParseSigterm(const std::string& text, Options& o) {
  if (text == "default")
    o.sigterm = OnSigterm::kDefault;
  else if (text == "ignore")
    o.sigterm = OnSigterm::kIgnore;
  else if (text == "end")
    o.sigterm = OnSigterm::kEnd;
  else
    return false;
  return true;
}

struct Flag {
  const char* name;
  const char* value;  // what follows it; nullptr = nothing
  const char* help;
  std::function<bool(const std::string&, Options&)> set;
};

auto Time(milliseconds Options::*member) {
  return [member](const std::string& text, Options& o) { return ParseTime(text, o.*member); };
}
auto Switch(bool Options::*member) {
  return [member](const std::string&, Options& o) { return o.*member = true; };
}
auto Count(int Options::*member, int least, int most) {
  return [=](const std::string& text, Options& o) {
    double n = 0;
    if (!ParseCount(text, least, most, n)) return false;
    o.*member = static_cast<int>(n);
    return true;
  };
}
auto Text(std::string Options::*member) {
  return [member](const std::string& text, Options& o) {
    o.*member = text;
    return !text.empty();
  };
}

const std::vector<Flag>& Flags() {
  static const std::vector<Flag> flags = {
      {"--port", "N", "port to listen on (queen 7833, hive 7835, worker 8080)",
       [](const std::string& t, Options& o) {
         double n = 0;
         if (!ParseCount(t, 1, 65535, n)) return false;
         o.port = static_cast<std::uint16_t>(n);
         return true;
       }},
      {"--advertise", "HOST", "host under which the others reach this process (127.0.0.1)",
       Text(&Options::advertise)},
      {"--queen-url", "URL", "hive: the queen to report to", Text(&Options::queen_url)},
      {"--hive-id", "ID", "hive: its name (localhost)", Text(&Options::hive_id)},
      {"--hive-url", "URL", "worker: the hive to report to", Text(&Options::hive_url)},
      {"--instance", "ID", "worker: is known as llm-ID (the port)", Text(&Options::instance)},
      {"--model", "NAME", "worker: the only model it serves (tinyllama-q4)", Text(&Options::model)},
      {"--model-load-time", "2s", "worker: the port opens only after this (0s)",
       Time(&Options::model_load_time)},
      {"--token-rate", "20/s", "worker: tokens per second and job",
       [](const std::string& t, Options& o) { return ParseRate(t, o.token_rate); }},
      {"--token-interval", "50ms", "worker: the same, as the time between two tokens",
       [](const std::string& t, Options& o) {
         milliseconds every{0};
         if (!ParseTime(t, every) || every.count() == 0) return false;
         o.token_rate = 1000.0 / static_cast<double>(every.count());
         return true;
       }},
      {"--parallel", "N", "worker: jobs at a time (1, as the real one)",
       Count(&Options::parallel, 1, 1000)},
      {"--first-token-delay", "3s", "worker: more before the first token of each job (0s)",
       Time(&Options::first_token_delay)},
      {"--repeat-text", nullptr,
       "worker: a token's text begins with the one before, as in the real one",
       Switch(&Options::repeat_text)},
      {"--extra-token", nullptr, "worker: one token event too many, as in the real one",
       Switch(&Options::extra_token)},
      {"--fail", "KIND:N",
       "worker: after N tokens of each job engine-error (a bare [DONE]), error-event, stall or cut",
       ParseFail},
      {"--detect-after", "2s",
       "queen: silence of a hive's stream after which the hive is lost, at least 1200ms",
       [](const std::string& t, Options& o) {  // hives beat each second: less would only flap
         return ParseTime(t, o.detect_after) && o.detect_after >= milliseconds(1200);
       }},
      {"--idle-cut", "2s",
       "queen: a job without an event for so long ends with a bare [DONE]; 0s = never",
       Time(&Options::idle_cut)},
      {"--blind", nullptr, "queen: never notices that a hive is gone", Switch(&Options::blind)},
      {"--reroute-after", "2s",
       "queen: a worker that broke off or went silent gets jobs for so long, and is online",
       Time(&Options::reroute_after)},
      {"--reroute-never", nullptr, "queen: such a worker gets jobs for ever",
       Switch(&Options::reroute_never)},
      {"--retry", "N", "queen: other workers to try for a job whose worker broke off (0)",
       Count(&Options::retries, 0, 10)},
      {"--hide-tokens", nullptr,
       "queen: prints tokens itself, the client gets none, as the real one",
       Switch(&Options::hide_tokens)},
      {"--repeat-telemetry", nullptr,
       "queen: sends telemetry once more after each return of a hive, as the real one",
       Switch(&Options::repeat_telemetry)},
      {"--sigterm", "end|default|ignore",
       "all: end at once (end), as without a handler (default: ignored as PID 1, as the real "
       "ones), "
       "or ignore",
       ParseSigterm},
  };
  return flags;
}

const Flag* FindFlag(const std::string& name) {
  for (const Flag& flag : Flags()) {
    if (name == flag.name) return &flag;
  }
  return nullptr;
}

}  // namespace

std::string ParseOptions(const std::vector<std::string>& arguments, Options& options) {
  if (arguments.empty()) return "a role is missing: queen, hive or worker";
  const std::string& role = arguments[0];
  if (role == "queen")
    options.role = Role::kQueen;
  else if (role == "hive")
    options.role = Role::kHive;
  else if (role == "worker")
    options.role = Role::kWorker;
  else
    return "\"" + role + "\" is not a role: write queen, hive or worker";
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string name = arguments[i].substr(0, arguments[i].find('='));
    const Flag* flag = FindFlag(name);
    if (flag == nullptr) return "\"" + name + "\" is not known; --help lists the flags";
    std::string value;
    if (name.size() < arguments[i].size())
      value = arguments[i].substr(name.size() + 1);
    else if (flag->value != nullptr && i + 1 < arguments.size())
      value = arguments[++i];
    if (flag->value == nullptr && name.size() < arguments[i].size())
      return name + " takes no value";
    if (!flag->set(value, options)) {
      return name + " wants " + flag->value + ", not \"" + value + "\": " + flag->help;
    }
  }
  if (options.port == 0) options.port = role == "queen" ? 7833 : role == "hive" ? 7835 : 8080;
  if (options.instance.empty()) options.instance = std::to_string(options.port);
  if (options.advertise.empty()) options.advertise = "127.0.0.1";
  return "";
}

std::string HelpText() {
  std::string text =
      "rbee-sim queen|hive|worker [flags]: a small rbee, with the HTTP interface of the real "
      "services\n";
  for (const Flag& flag : Flags()) {
    std::string left =
        std::string("  ") + flag.name + (flag.value ? std::string(" ") + flag.value : "");
    left.resize(std::max<std::size_t>(left.size() + 1, 26), ' ');
    text += left + flag.help + "\n";
  }
  return text + "  The environment variable RBEE_SIM_FLAGS is appended to the command line.\n";
}

}  // namespace rbee_sim
