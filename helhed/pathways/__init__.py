"""Chronic, rehabilitation, cancer, pregnancy and prevention pathways. Built with initiatives 1.3, 1.6, 1.7, 3.1, 3.5 and 3.6."""
