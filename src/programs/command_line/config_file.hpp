/// A file of options, for --config.
///
/// file := line*      line := "name = value" | name of a flag | nothing, each with "# remark" behind it
#pragma once

#include <boost/program_options.hpp>
#include <string>

namespace alphahill {

/// The text in the form that Boost reads: flags with a value, no remarks.
/// @param where  of errors
/// @throws Error(usage) naming the line of an option that there is not, or that lacks its value
std::string config_for_boost(const std::string& text,
                             const boost::program_options::options_description& options,
                             const std::string& where);

}  // namespace alphahill
