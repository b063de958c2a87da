/// What a user may have meant by a name that there is not.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <string_view>

namespace alphahill {

/// The option whose name is nearest to the given one; a name that begins the other or is its last word is near, and
/// underscores count as dashes. Empty where none is near.
std::string nearest_option(const boost::program_options::options_description& options, std::string name);

/// "unrecognised option '--modle', did you mean '--model'?"; of a spelling that other programs use, what it is here.
/// @param dashes  before an option where it is written
std::string unknown_option_text(const boost::program_options::options_description& options,
                                const std::string& name, std::string_view dashes);

}  // namespace alphahill
