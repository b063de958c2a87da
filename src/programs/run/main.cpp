#include "programs/run/run_program.hpp"

int main(int argc, char** argv) {
  return alphahill::alpha_hill(argc, argv);
}
