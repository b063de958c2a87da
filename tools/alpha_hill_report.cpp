#include "alphahill/app/alpha_hill.hpp"

int main(int argc, char** argv) {
  return alphahill::alpha_hill_report(argc, argv);
}
