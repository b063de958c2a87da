#include "programs/report/report_program.hpp"

int main(int argc, char** argv) {
  return alphahill::alpha_hill_report(argc, argv);
}
