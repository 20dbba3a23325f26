"""Who can tell that a row fools the model? Seven data sets, four kinds of model, each weak and strong, against what people use today."""
