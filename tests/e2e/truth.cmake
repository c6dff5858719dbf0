# What is not true is not called true, what is not right is not injected, and who is idle does not write.
foreach(case truth_no_data object_lifecycle object_start input_conditions truth_unsteady truth_no_effect truth_refused)
  chaos_e2e_test(${case})
endforeach()
# These change the installation that the others use, or count everybody's writes.
foreach(case idle_quiet truth_lies input_profile)
  chaos_e2e_test(${case})
  set_tests_properties(e2e.${case} PROPERTIES RUN_SERIAL TRUE)
endforeach()
